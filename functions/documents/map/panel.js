import { button, element, facts, table } from './dom.js';
import { ENDS, fateOf, flowsOf, looksOf, nameOf, portsOf } from './model.js';

/** What is told beside the graph and below it. All texts of the map go through dom.js. */

const time = text =>
  text === undefined ? '' : element('time', { dateTime: text }, new Date(text).toLocaleString());

const mark = edge => {
  const { color, dashed } = looksOf(edge);
  return element('span', { className: `line ${color}${dashed ? ' dashed' : ''}`, 'aria-hidden': 'true' });
};

const AT = { Source: 'source', Destination: 'destination', Unknown: 'one end' };

function records(map, found) {
  if (found === undefined) return element('p', { className: 'muted' }, 'Reading flow records…');
  if (typeof found === 'string') return element('p', { className: 'problem' }, found);
  if (found.length === 0) return element('p', { className: 'muted' }, 'No flow records in the window.');
  const named = ID => nameOf(map.byID.get(ID) ?? { ID, name: '', type: '' });
  return table(
    `Newest flow records (${found.length})`,
    ['Time', 'From', 'To', 'Port', 'Action', 'Policy ID', 'Flows'],
    found.map(one => [
      time(one.timestamp),
      `${named(one.sourceID)} ${one.sourceIP ?? ''}`,
      `${named(one.destinationID)} ${one.destinationIP ?? ''}`,
      `${one.destinationPort ?? ''}`,
      one.action,
      element('code', {}, one.policyID),
      `${one.value}`,
    ]),
  );
}

export function nodePanel(node, map, found, choose) {
  const touching = map.edges.filter(({ sourceID, destinationID }) =>
    [sourceID, destinationID].includes(node.ID),
  );
  const other = ({ sourceID, destinationID }) => {
    const isSource = sourceID === node.ID;
    return `${isSource ? 'to' : 'from'} ${nameOf(map.byID.get(isSource ? destinationID : sourceID))}`;
  };
  return [
    element('h2', {}, nameOf(node)),
    node.resolved
      ? undefined
      : element(
          'p',
          { className: 'muted' },
          'Known from flow records alone: the object is gone, is none, or you may not read it.',
        ),
    facts([
      ['Type', ENDS[node.type]],
      ['Namespace', node.namespace],
      ['Status', node.status],
      ['Enforcement', node.enforcementStatus],
      ['Enforcer', node.unreachable ? 'not heard of' : undefined],
      ['ID', element('code', {}, node.ID)],
    ]),
    element('h3', {}, `Tags (${node.tags.length})`),
    element(
      'ul',
      { className: 'tags' },
      node.tags.map(tag => element('li', {}, tag)),
    ),
    element('h3', {}, `Flows (${touching.length})`),
    element(
      'ul',
      { className: 'plain' },
      touching.map(edge =>
        element(
          'li',
          {},
          mark(edge),
          button(`${other(edge)}: ${portsOf(edge)}, ${fateOf(edge)}`, () => choose({ edge: edge.ID }), {
            className: 'link',
          }),
        ),
      ),
    ),
    records(map, found),
  ];
}

export function edgePanel(edge, map, found, choose) {
  const end = ID => button(nameOf(map.byID.get(ID)), () => choose({ node: ID }), { className: 'link' });
  const more = (count, what) =>
    count > 0 ? element('p', { className: 'muted' }, `${count} more ${what} are not listed.`) : undefined;
  return [
    element('h2', {}, end(edge.sourceID), ' → ', end(edge.destinationID)),
    element('p', {}, mark(edge), fateOf(edge)),
    facts([
      [
        'Accepted',
        `${edge.acceptedFlows}${edge.acceptedByDefault > 0 ? `, ${edge.acceptedByDefault} by default action` : ''}`,
      ],
      [
        'Rejected',
        `${edge.rejectedFlows}${edge.rejectedByDefault > 0 ? `, ${edge.rejectedByDefault} by default action` : ''}`,
      ],
      [
        'Observed',
        edge.observedAcceptedFlows + edge.observedRejectedFlows > 0
          ? `${edge.observedAcceptedFlows} would be accepted, ${edge.observedRejectedFlows} rejected`
          : undefined,
      ],
      ['First seen', time(edge.firstSeen)],
      ['Last seen', time(edge.lastSeen)],
      ['Encrypted', edge.encrypted ? 'yes' : 'no'],
    ]),
    table(
      'Policies',
      ['Policy ID', 'Action', 'At', 'Flows', 'Rule', 'Namespace'],
      edge.policies.map(one => [
        one.policyID === 'default' ? 'default action' : element('code', {}, one.policyID),
        one.action,
        AT[one.reporter] ?? '',
        `${one.flows}`,
        one.ruleName,
        one.policyNamespace,
      ]),
    ),
    more(edge.policiesLeftOut, 'policies'),
    table(
      'Access',
      ['Port', 'Accepted', 'Rejected', 'By default'],
      edge.accesses.map(one => [
        one.protocolPort,
        `${one.acceptedFlows}`,
        `${one.rejectedFlows}`,
        `${one.acceptedByDefault + one.rejectedByDefault}`,
      ]),
    ),
    more(edge.accessesLeftOut, 'ports'),
    records(map, found),
  ];
}

export const emptyPanel = () => [
  element('h2', {}, 'Details'),
  element('p', { className: 'muted' }, 'Choose a node or a line, in the graph or in the tables below it.'),
];

/** Rows of each table at most; the filter finds the others. */
const MOST_ROWS = 300;

export function lists(map, choose) {
  const node = ID => button(nameOf(map.byID.get(ID)), () => choose({ node: ID }), { className: 'link' });
  const edges = map.edges.slice(0, MOST_ROWS);
  const cut = map.edges.length - edges.length;
  return [
    table(
      `Flows (${map.edges.length})`,
      ['From', 'To', 'Ports', 'What became of them', 'Flows', 'Last seen'],
      edges.map(edge => [
        node(edge.sourceID),
        node(edge.destinationID),
        portsOf(edge),
        element(
          'span',
          {},
          mark(edge),
          button(fateOf(edge), () => choose({ edge: edge.ID }), { className: 'link' }),
        ),
        `${flowsOf(edge)}`,
        time(edge.lastSeen),
      ]),
    ),
    cut > 0
      ? element('p', { className: 'muted' }, `${cut} more are not listed; filter to find them.`)
      : undefined,
  ];
}
