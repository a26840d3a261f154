import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { edgesOf, type MapEdge } from '../../../shared/core/dependency-map/edges.ts';
import { dependencyMap, type KnownEnd, touching } from '../../../shared/core/dependency-map/nodes.ts';
import { FlowTally } from '../../../shared/core/dependency-map/tally.ts';
import { DEFAULT_POLICY, FlowReport } from '../../../shared/schema/flowreport.ts';
import { nextID } from '../../make/objects.ts';

const ROOM = { edges: 1000, nodes: 1000 };
const ALL = Number.MAX_SAFE_INTEGER;

const tallied = (reports: readonly FlowReport[]): FlowTally => {
  const tally = new FlowTally();
  for (const report of reports) tally.add(report);
  return tally;
};
const mapOf = (reports: readonly FlowReport[], room = ROOM) => {
  const tally = tallied(reports);
  return dependencyMap(tally, edgesOf(tally), new Map(), room);
};

const endpoint = fc.constantFrom('a', 'b', 'c', 'a-b', 'b-c', '%2D', '__proto__', 'somewhere');
const verdict = fc.constantFrom('Accept' as const, 'Reject' as const);
const namespaces = fc.constantFrom('/t', '/t/a', '/t/b');

/** Records of networks and of units, in any mixture: what agents may send. */
const anyReport = fc
  .record({
    minute: fc.nat(59),
    source: endpoint,
    destination: endpoint,
    sourceType: fc.constantFrom('ProcessingUnit', 'ExternalNetwork', 'Claims'),
    destinationType: fc.constantFrom('ProcessingUnit', 'ExternalNetwork'),
    action: verdict,
    observedAction: fc.constantFrom('Accept', 'Reject', 'NotApplicable'),
    port: fc.option(fc.constantFrom(22, 443), { nil: undefined }),
    protocol: fc.option(fc.constantFrom(1, 6, 253), { nil: undefined }),
    policyID: fc.constantFrom(DEFAULT_POLICY, 'p1', 'p2'),
    namespace: namespaces,
    remote: fc.option(namespaces, { nil: undefined }),
    reporter: fc.constantFrom('Source', 'Destination', undefined),
    value: fc.integer({ min: 1, max: 9 }),
    encrypted: fc.boolean(),
    name: fc.option(fc.constantFrom('x', 'y'), { nil: undefined }),
  })
  .map(({ minute, source, destination, port, remote, name, ...rest }) =>
    FlowReport.parse({
      ...rest,
      timestamp: new Date(Date.UTC(2026, 2, 1, 12, minute)).toISOString(),
      ID: nextID(),
      sourceID: source,
      destinationID: destination,
      policyNamespace: '/t',
      ...(port === undefined ? {} : { destinationPort: port }),
      ...(remote === undefined ? {} : { remoteNamespace: remote }),
      ...(name === undefined ? {} : { sourceName: name }),
    }),
  );
const reports = fc.array(anyReport, { maxLength: 40 });

/** Flows as they were: how many the source rejected, the destination rejected, and nobody did. */
const truth = fc.array(
  fc.record({
    source: fc.constantFrom('a', 'b', 'c'),
    destination: fc.constantFrom('d', 'e'),
    port: fc.constantFrom(22, 443),
    atSource: fc.nat(5),
    atDestination: fc.nat(5),
    through: fc.nat(5),
  }),
  { maxLength: 12 },
);
type Truth = typeof truth extends fc.Arbitrary<infer T> ? T : never;

const unit = (one: Truth[number], more: object): FlowReport =>
  FlowReport.parse({
    timestamp: '2026-03-01T12:00:00.000Z',
    ID: nextID(),
    sourceID: one.source,
    sourceType: 'ProcessingUnit',
    destinationID: one.destination,
    destinationType: 'ProcessingUnit',
    destinationPort: one.port,
    protocol: 6,
    policyID: 'p',
    policyNamespace: '/t',
    namespace: '/t',
    ...more,
  });
const told = (one: Truth[number], reporter: string, accepted: number, rejected: number): FlowReport[] => [
  ...(accepted > 0 ? [unit(one, { reporter, action: 'Accept', value: accepted })] : []),
  ...(rejected > 0 ? [unit(one, { reporter, action: 'Reject', value: rejected })] : []),
];
const bySource = (all: Truth) =>
  all.flatMap(one => told(one, 'Source', one.through + one.atDestination, one.atSource));
const byDestination = (all: Truth) =>
  all.flatMap(one => told(one, 'Destination', one.through, one.atDestination));

const total = (edges: readonly MapEdge[], name: 'acceptedFlows' | 'rejectedFlows'): number =>
  edges.reduce((sum, edge) => sum + edge[name], 0);
const values = (all: readonly FlowReport[], action: string): number =>
  all.reduce((sum, report) => sum + (report.action === action ? report.value : 0), 0);

describe('a dependency map', () => {
  test('is the same whatever the order of the records', () => {
    fc.assert(
      fc.property(
        reports.chain(all => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
        ([all, shuffled]) => void expect(mapOf(shuffled)).toEqual(mapOf(all)),
      ),
    );
  });

  test('has a node for each end of each edge, and no other, however little room there is', () => {
    fc.assert(
      fc.property(reports, fc.nat(6), fc.nat(6), (all, edges, nodes) => {
        const map = mapOf(all, { edges, nodes });
        const ends = Object.values(map.edges).flatMap(({ sourceID, destinationID }) => [
          sourceID,
          destinationID,
        ]);
        expect(new Set(Object.keys(map.nodes))).toEqual(new Set(ends));
        const [kept, whole] = [map, mapOf(all)].map(one => [
          Object.keys(one.edges).length,
          Object.keys(one.nodes).length,
        ]);
        expect(kept?.[0]).toBeLessThanOrEqual(edges);
        expect(kept?.[1]).toBeLessThanOrEqual(nodes);
        expect([map.leftOut.edges, map.leftOut.nodes]).toEqual(whole?.map((n, at) => n - (kept?.[at] ?? 0)));
      }),
    );
  });

  test('counts no flow that no record tells of, and every rejected one', () => {
    fc.assert(
      fc.property(reports, all => {
        const edges = Object.values(mapOf(all).edges);
        expect(total(edges, 'acceptedFlows')).toBeLessThanOrEqual(values(all, 'Accept'));
        expect(total(edges, 'rejectedFlows')).toBe(values(all, 'Reject'));
        for (const { acceptedFlows, acceptedByDefault, rejectedFlows, rejectedByDefault } of edges) {
          expect(acceptedByDefault).toBeLessThanOrEqual(acceptedFlows);
          expect(rejectedByDefault).toBeLessThanOrEqual(rejectedFlows);
        }
      }),
    );
  });

  test('sums up to its records where each flow was told by one end', () => {
    // Each edge is all of one kind: from a unit to a network, or from a network to a unit.
    const alone = fc.array(
      fc.tuple(anyReport, fc.boolean()).map(([report, goesOut]) => ({
        ...report,
        sourceID: `${report.sourceID} ${goesOut}`,
        sourceType: goesOut ? ('ProcessingUnit' as const) : ('ExternalNetwork' as const),
        destinationType: goesOut ? ('ExternalNetwork' as const) : ('ProcessingUnit' as const),
      })),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(alone, all => {
        const edges = Object.values(mapOf(all).edges);
        expect(total(edges, 'acceptedFlows')).toBe(values(all, 'Accept'));
        expect(total(edges, 'rejectedFlows')).toBe(values(all, 'Reject'));
      }),
    );
  });

  test('counts flows between units once, whether one end tells of them, the other one or both', () => {
    fc.assert(
      fc.property(truth, all => {
        const sumOf = (name: 'through' | 'atSource' | 'atDestination') =>
          all.reduce((sum, one) => sum + one[name], 0);
        const counted = (told: FlowReport[]) => {
          const edges = Object.values(mapOf(told).edges);
          return [total(edges, 'acceptedFlows'), total(edges, 'rejectedFlows')];
        };
        const [through, atSource, atDestination] = [
          sumOf('through'),
          sumOf('atSource'),
          sumOf('atDestination'),
        ];
        expect(counted([...bySource(all), ...byDestination(all)])).toEqual([
          through,
          atSource + atDestination,
        ]);
        expect(counted(bySource(all))).toEqual([through + atDestination, atSource]);
        expect(counted(byDestination(all))).toEqual([through, atDestination]);
      }),
    );
  });

  test('of two windows together has the edges of both, seen from the earlier one to the later one', () => {
    fc.assert(
      fc.property(reports, reports, (one, other) => {
        const [a, b, both] = [one, other, [...one, ...other]].map(all => mapOf(all).edges);
        expect(new Set(Object.keys(both ?? {}))).toEqual(
          new Set([a, b].flatMap(map => Object.keys(map ?? {}))),
        );
        for (const edge of Object.values(both ?? {})) {
          const parts = [a, b].flatMap(map =>
            map && Object.hasOwn(map, edge.ID) ? (map[edge.ID] ?? []) : [],
          );
          expect(edge.firstSeen).toBe(parts.map(({ firstSeen }) => firstSeen).sort()[0]);
          expect(edge.lastSeen).toBe(
            parts
              .map(({ lastSeen }) => lastSeen)
              .sort()
              .at(-1),
          );
          expect(edge.encrypted).toBe(parts.every(({ encrypted }) => encrypted));
          expect(edge.rejectedFlows).toBe(total(parts, 'rejectedFlows'));
          expect(edge.acceptedFlows).toBeLessThanOrEqual(total(parts, 'acceptedFlows'));
        }
      }),
    );
  });

  test('of two windows together sums up both, where each window has what both ends tell of its flows', () => {
    fc.assert(
      fc.property(truth, truth, (one, other) => {
        const [a, b] = [one, other].map(all => [...bySource(all), ...byDestination(all)]);
        const sums = [a, b, [...(a ?? []), ...(b ?? [])]].map(all => {
          const edges = Object.values(mapOf(all ?? []).edges);
          return total(edges, 'acceptedFlows') + 1000 * total(edges, 'rejectedFlows');
        });
        expect(sums[2]).toBe((sums[0] ?? 0) + (sums[1] ?? 0));
      }),
    );
  });

  test('by tag has the edges alone that touch an end with all of them', () => {
    const tags = fc.uniqueArray(fc.constantFrom('x=1', 'x=2', 'y=1'));
    fc.assert(
      fc.property(reports, tags, fc.dictionary(endpoint, tags), (all, wanted, own) => {
        const known = new Map<string, KnownEnd>(
          Object.entries(own).map(([ID, tags]) => [ID, { name: ID, namespace: '/t' as never, tags }]),
        );
        const tally = tallied(all);
        const map = dependencyMap(tally, touching(edgesOf(tally), wanted, known), known, {
          edges: ALL,
          nodes: ALL,
        });
        const has = (ID: string) => wanted.every(tag => known.get(ID)?.tags.includes(tag));
        const expected = edgesOf(tally).filter(
          ({ sourceID, destinationID }) => has(sourceID) || has(destinationID),
        );
        expect(new Set(Object.keys(map.edges))).toEqual(new Set(expected.map(({ ID }) => ID)));
      }),
    );
  });
});
