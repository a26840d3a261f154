import type { DependencyMap } from '../../shared/api/map-routes.ts';
import { edgesOf, type MapEdge } from '../../shared/core/dependency-map/edges.ts';
import { grouped, readViews } from '../../shared/core/dependency-map/groups.ts';
import { dependencyMap, fitting, type Room, touching } from '../../shared/core/dependency-map/nodes.ts';
import { FlowTally } from '../../shared/core/dependency-map/tally.ts';
import type { TimeWindow } from '../../shared/core/time-window.ts';
import { fail } from '../../shared/schema/failure.ts';
import { Tag } from '../../shared/schema/tag.ts';
import type { Call, Handler } from '../call.ts';
import type { Deps } from '../deps.ts';
import { listParameters } from '../list-parameters.ts';
import { knownEnds } from '../map-ends.ts';
import { atMost, passesOf, windowOrLastHour } from './flow-queries.ts';

/** So many fit into an answer, with the lists of each edge. */
const ROOM: Room = { edges: 3000, nodes: 2000 };
/** Ends whose tags are read to find those with a tag. */
const MOST_TAGGED = 5000;

function tagsOf({ query: { tag: tags = [] } }: Call): Tag[] {
  return tags.map(tag => {
    const read = Tag.safeParse(tag);
    if (read.success) return read.data;
    throw fail('bad_request', `query parameter tag: ${read.error.issues[0]?.message}`);
  });
}

function viewsOf({ query: { view = [] } }: Call) {
  const [text, ...others] = view;
  if (others.length > 0)
    throw fail('bad_request', 'query parameter view stands more than once; give it once');
  return text === undefined || text.trim() === '' ? [] : readViews(text);
}

async function tallied(call: Call, window: TimeWindow, deps: Pick<Deps, 'flows' | 'clock'>) {
  const tally = new FlowTally();
  const passes = atMost(passesOf(call, deps));
  const { recursive } = listParameters(call);
  await deps.flows.each(call.namespace, { ...window, recursive }, report => {
    if (passes(report)) tally.add(report);
  });
  return tally;
}

/** Ends that have to be known: those that are shown, or where tags choose, all of them. */
function asked(edges: readonly MapEdge[], tags: readonly Tag[]): Set<string> {
  if (tags.length === 0) return fitting(edges, ROOM).ends;
  const { ends } = fitting(edges, { edges: edges.length, nodes: MOST_TAGGED });
  const all = new Set(edges.flatMap(({ sourceID, destinationID }) => [sourceID, destinationID]));
  if (all.size === ends.size) return ends;
  throw fail(
    'too_large',
    `${all.size} ends of flows are more than the ${MOST_TAGGED} whose tags are looked up; ask for a shorter window of time, in a namespace below, or filter the records with q`,
  );
}

const listDependencyMaps: Handler = async (call, deps) => {
  const [tags, views] = [tagsOf(call), viewsOf(call)];
  const window = windowOrLastHour(call, deps);
  const tally = await tallied(call, window, deps);
  const edges = edgesOf(tally);
  const ends = [...asked(edges, tags)].flatMap(ID => tally.ends.get(ID) ?? []);
  const known = await knownEnds(ends, call, deps);
  const map = dependencyMap(tally, touching(edges, tags, known), known, ROOM);
  const { leftOut } = map;
  const body: DependencyMap[] = [{ ...window, records: tally.records, ...map, ...grouped(map.nodes, views) }];
  const messages =
    leftOut.edges > 0
      ? [
          `${leftOut.edges} edges and ${leftOut.nodes} nodes are left out: a map has ${ROOM.edges} edges and ${ROOM.nodes} nodes at most; ask for a shorter window of time, in a namespace below, or by tag or q`,
        ]
      : [];
  return { body, total: 1, messages };
};

export const dependencyMaps = { listDependencyMaps };
