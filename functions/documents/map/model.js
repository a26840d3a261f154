/** What the page makes of a map, without a page: how edges look, what a filter leaves, who is in which group. */

/** What an end is, in words. */
export const ENDS = {
  ProcessingUnit: 'processing unit',
  ExternalNetwork: 'external network',
  Claims: 'user',
};

export const nameOf = ({ ID, name, type }) =>
  name || (ID === 'somewhere' ? 'somewhere' : `${ENDS[type] ?? type} …${ID.slice(-6)}`);

/** Green, red, or orange for both; dashed as soon as the default action decided any of it. */
export function looksOf({ acceptedFlows, rejectedFlows, acceptedByDefault, rejectedByDefault }) {
  const color = rejectedFlows === 0 ? 'green' : acceptedFlows === 0 ? 'red' : 'orange';
  return { color, dashed: acceptedByDefault + rejectedByDefault > 0 };
}

const FATES = [
  ['acceptedFlows', 'acceptedByDefault', 'allowed'],
  ['rejectedFlows', 'rejectedByDefault', 'rejected'],
];

/** `allowed by rules, rejected by default action`. */
export const fateOf = edge =>
  FATES.filter(([all]) => edge[all] > 0)
    .map(([all, byDefault, word]) => {
      if (edge[byDefault] === 0) return `${word} by rules`;
      return edge[byDefault] === edge[all]
        ? `${word} by default action`
        : `${word} by rules and default action`;
    })
    .join(', ');

export const flowsOf = ({ acceptedFlows, rejectedFlows }) => acceptedFlows + rejectedFlows;

/** `tcp/443 +2`. */
export function portsOf({ accesses, accessesLeftOut }) {
  const more = accesses.length - 1 + accessesLeftOut;
  return `${accesses[0]?.protocolPort ?? ''}${more > 0 ? ` +${more}` : ''}`;
}

/** Tags by which people group: all keys that some node has, those of the user first. */
export function tagKeys(nodes) {
  const keys = new Set(nodes.flatMap(({ tags }) => tags.map(tag => tag.slice(0, tag.indexOf('=')))));
  const isOwn = key => !/^[$@]/.test(key);
  return [...keys]
    .filter(key => key !== '$id' && key !== '$namespace')
    .sort((a, b) => isOwn(b) - isOwn(a) || (a < b ? -1 : 1));
}

/** The box that a node stands in; none: it stands alone. Networks have no box of a namespace: they are outside it. */
export function groupOf(node, by) {
  if (by === '') return undefined;
  if (by === 'namespace') return node.type === 'ProcessingUnit' ? node.namespace || undefined : undefined;
  const tag = node.tags.find(one => one.startsWith(`${by}=`));
  return tag === undefined ? undefined : tag;
}

const wordsOfNode = node => [
  node.ID,
  nameOf(node),
  node.namespace,
  node.type,
  node.status ?? '',
  ...node.tags,
];
const wordsOfEdge = edge => [
  fateOf(edge),
  ...edge.accesses.map(({ protocolPort }) => protocolPort),
  ...edge.policies.flatMap(({ policyID, policyNamespace, ruleName }) => [
    policyID,
    policyNamespace,
    ruleName,
  ]),
];

const VERDICTS = {
  accepted: ({ acceptedFlows }) => acceptedFlows > 0,
  rejected: ({ rejectedFlows }) => rejectedFlows > 0,
  default: ({ acceptedByDefault, rejectedByDefault }) => acceptedByDefault + rejectedByDefault > 0,
};

/** The edges of which every word is said by itself or by one of its ends; with their ends. */
export function filtered({ nodes, edges }, text, verdict) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const texts = new Map(nodes.map(node => [node.ID, wordsOfNode(node).join('\n').toLowerCase()]));
  const left = edges.filter(edge => {
    if (VERDICTS[verdict]?.(edge) === false) return false;
    const own = [
      wordsOfEdge(edge).join('\n').toLowerCase(),
      texts.get(edge.sourceID),
      texts.get(edge.destinationID),
    ];
    return words.every(word => own.some(one => one?.includes(word)));
  });
  const ends = new Set(left.flatMap(({ sourceID, destinationID }) => [sourceID, destinationID]));
  return { nodes: nodes.filter(({ ID }) => ends.has(ID)), edges: left };
}
