import type { NamespacePath } from '../../schema/ids.ts';
import type { ProcessingUnit } from '../../schema/processingunit.ts';
import type { MapEdge } from './edges.ts';
import type { EndTally, FlowTally } from './tally.ts';

/** What the object at an end says of itself, as far as whoever asks may read it. */
export interface KnownEnd {
  name: string;
  namespace: NamespacePath;
  tags: readonly string[];
  /** Of processing units alone. */
  state?: Pick<ProcessingUnit, 'operationalStatus' | 'enforcementStatus' | 'unreachable'>;
}

export interface MapNode {
  ID: string;
  type: EndTally['type'];
  /** Empty where nothing names it. */
  name: string;
  /** Empty where it cannot be told. */
  namespace: NamespacePath | '';
  tags: string[];
  /** Whether the object itself was read; else all that is told of it is what flow records hold. */
  resolved: boolean;
  status?: ProcessingUnit['operationalStatus'];
  enforcementStatus?: ProcessingUnit['enforcementStatus'];
  unreachable?: boolean;
}

/** Where records alone say that a unit lives, where they agree. Of a network they say who knows it, not where it lives. */
function placeOf({ type, namespaces }: EndTally): NamespacePath | '' {
  const [only, ...others] = namespaces;
  return type === 'ProcessingUnit' && only !== undefined && others.length === 0 ? only : '';
}

export function nodeOf(end: EndTally, known: KnownEnd | undefined): MapNode {
  const { ID, type, name } = end;
  if (!known) return { ID, type, name, namespace: placeOf(end), tags: [], resolved: false };
  const { operationalStatus: status, ...state } = known.state ?? {};
  return {
    ID,
    type,
    name: known.name,
    namespace: known.namespace,
    tags: [...known.tags],
    resolved: true,
    ...(status === undefined ? {} : { status }),
    ...state,
  };
}

/** What a map holds at most. */
export interface Room {
  edges: number;
  nodes: number;
}

/** The first edges that fit, with their ends: an edge never stands without one of them. */
export function fitting(edges: readonly MapEdge[], room: Room): { edges: MapEdge[]; ends: Set<string> } {
  const kept: MapEdge[] = [];
  const ends = new Set<string>();
  for (const edge of edges) {
    const more = [...new Set([edge.sourceID, edge.destinationID])].filter(ID => !ends.has(ID));
    if (kept.length >= room.edges || ends.size + more.length > room.nodes) continue;
    kept.push(edge);
    for (const ID of more) ends.add(ID);
  }
  return { edges: kept, ends };
}

/** Those of which one end at least has every one of the tags. */
export const touching = (
  edges: readonly MapEdge[],
  tags: readonly string[],
  known: ReadonlyMap<string, KnownEnd>,
): MapEdge[] => {
  const has = (ID: string): boolean => {
    const own = known.get(ID)?.tags ?? [];
    return tags.every(tag => own.includes(tag));
  };
  return tags.length === 0
    ? [...edges]
    : edges.filter(({ sourceID, destinationID }) => has(sourceID) || has(destinationID));
};

export interface DependencyMap {
  /** By ID. */
  nodes: Record<string, MapNode>;
  edges: Record<string, MapEdge>;
  /** What there is beside them. */
  leftOut: { nodes: number; edges: number };
}

const byID = <T extends { ID: string }>(all: readonly T[]): Record<string, T> =>
  Object.fromEntries(all.toSorted((a, b) => (a.ID < b.ID ? -1 : 1)).map(one => [one.ID, one]));

/** The edges as far as there is room, with what is known of their ends. */
export function dependencyMap(
  { ends }: FlowTally,
  wanted: readonly MapEdge[],
  known: ReadonlyMap<string, KnownEnd>,
  room: Room,
): DependencyMap {
  const kept = fitting(wanted, room);
  const all = new Set(wanted.flatMap(({ sourceID, destinationID }) => [sourceID, destinationID]));
  const nodes = [...kept.ends].flatMap(ID => {
    const end = ends.get(ID);
    return end ? [nodeOf(end, known.get(ID))] : [];
  });
  return {
    nodes: byID(nodes),
    edges: byID(kept.edges),
    leftOut: { nodes: all.size - kept.ends.size, edges: wanted.length - kept.edges.length },
  };
}
