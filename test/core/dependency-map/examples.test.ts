import { describe, expect, it, test } from 'vitest';
import { reporterOf } from '../../../shared/core/dependency-map/counts.ts';
import { edgesOf } from '../../../shared/core/dependency-map/edges.ts';
import { FlowTally } from '../../../shared/core/dependency-map/tally.ts';
import { FlowReport } from '../../../shared/schema/flowreport.ts';
import { nextID } from '../../make/objects.ts';

type Told = Partial<FlowReport> & Pick<FlowReport, 'action'>;

const record = (told: Told): FlowReport =>
  FlowReport.parse({
    timestamp: '2026-03-01T12:00:00.000Z',
    ID: nextID(),
    sourceID: 'web',
    sourceType: 'ProcessingUnit',
    destinationID: 'db',
    destinationType: 'ProcessingUnit',
    destinationPort: 5432,
    protocol: 6,
    policyID: 'ruleset',
    policyNamespace: '/t',
    namespace: '/t',
    value: 1,
    ...told,
  });
const edgesFrom = (...told: Told[]) => {
  const tally = new FlowTally();
  for (const one of told) tally.add(record(one));
  return edgesOf(tally);
};

const [accept, reject] = [{ action: 'Accept' }, { action: 'Reject' }] as const;
const [source, destination] = [{ reporter: 'Source' }, { reporter: 'Destination' }] as const;
const byDefault = { policyID: 'default' };

test.each<[string, Told[], [accepted: number, rejected: number, byDefault: number, byDefault: number]]>([
  [
    'both ends allow it',
    [
      { ...accept, ...source },
      { ...accept, ...destination },
    ],
    [1, 0, 0, 0],
  ],
  [
    'the destination rejects it',
    [
      { ...accept, ...source },
      { ...reject, ...destination },
    ],
    [0, 1, 0, 0],
  ],
  ['the source rejects it', [{ ...reject, ...source }], [0, 1, 0, 0]],
  [
    'a rule of one end and the default action of the other allow it',
    [
      { ...accept, ...source, ...byDefault },
      { ...accept, ...destination },
    ],
    [1, 0, 1, 0],
  ],
  [
    'the default action allows it at the source, and a rule rejects it at the destination',
    [
      { ...accept, ...source, ...byDefault },
      { ...reject, ...destination },
    ],
    [0, 1, 0, 0],
  ],
  [
    'the default action rejects some of what the source lets go',
    [
      { ...accept, ...source, value: 5 },
      { ...accept, ...destination, value: 3 },
      { ...reject, ...destination, ...byDefault, value: 2 },
    ],
    [3, 2, 0, 2],
  ],
  [
    'the destination has told of less than the source so far',
    [
      { ...accept, ...source, value: 5 },
      { ...accept, ...destination, value: 3 },
    ],
    [5, 0, 0, 0],
  ],
  ['it is not known which end each record is of', [accept, accept], [2, 0, 0, 0]],
])('a flow of which %s', (_what, told, expected) => {
  const [edge] = edgesFrom(...told);
  const { acceptedFlows, rejectedFlows, acceptedByDefault, rejectedByDefault } = edge ?? {};
  expect([acceptedFlows, rejectedFlows, acceptedByDefault, rejectedByDefault]).toEqual(expected);
});

test.each<[string, Partial<FlowReport>, string]>([
  ['a network that is the source', { sourceType: 'ExternalNetwork', reporter: 'Source' }, 'Destination'],
  ['a network that is the destination', { destinationType: 'ExternalNetwork' }, 'Source'],
  ['units, and says whose it is', { reporter: 'Destination', sourceName: 'web' }, 'Destination'],
  ['units, and names the source alone', { sourceName: 'web' }, 'Source'],
  ['units, and names the destination alone', { destinationName: 'db', sourceName: '' }, 'Destination'],
  ['units, and names both', { destinationName: 'db', sourceName: 'web' }, 'Unknown'],
])('a record with %s is of the right end', (_what, told, expected) => {
  expect(reporterOf(record({ ...accept, ...told }))).toBe(expected);
});

describe('an edge', () => {
  it('tells what was connected to and what decided, what was rejected first', () => {
    const [edge] = edgesFrom(
      { ...accept, ...source, value: 9 },
      { ...reject, ...destination, destinationPort: 22, ...byDefault },
      { ...accept, ...destination, value: 9, policyID: 'other', ruleName: 'sql' },
    );
    expect(edge?.accesses.map(({ protocolPort, ...counts }) => [protocolPort, counts.acceptedFlows])).toEqual(
      [
        ['tcp/22', 0],
        ['tcp/5432', 9],
      ],
    );
    expect(edge?.policies).toMatchObject([
      { policyID: 'default', action: 'Reject', reporter: 'Destination', flows: 1 },
      { policyID: 'other', ruleName: 'sql', action: 'Accept', reporter: 'Destination', flows: 9 },
      { policyID: 'ruleset', ruleName: '', action: 'Accept', reporter: 'Source', flows: 9 },
    ]);
  });

  it('that was scanned tells of 20 ports and how many there are beside them', () => {
    const ports = Array.from({ length: 50 }, (_, at) => at + 1);
    const [edge] = edgesFrom(
      ...ports.map(destinationPort => ({ ...reject, ...destination, destinationPort })),
    );
    expect(edge).toMatchObject({ rejectedFlows: 50, accessesLeftOut: 30, policiesLeftOut: 0 });
    expect(edge?.accesses).toHaveLength(20);
  });

  it('is summed up only as far as there is room for pairs of ends, their ports and their policies', () => {
    const records = [22, 443, 22, 80].map(destinationPort => record({ ...accept, destinationPort }));
    const tally = (most: number) => {
      const made = new FlowTally(most);
      for (const one of records) made.add(one);
      return made.records;
    };
    expect(tally(5)).toBe(4);
    expect(() => tally(4)).toThrow(expect.objectContaining({ kind: 'too_large' }));
  });

  it('counts what rules that only observe would have done', () => {
    const [edge] = edgesFrom(
      { ...accept, ...source, observedAction: 'Accept' },
      { ...accept, ...destination, observedAction: 'Reject' },
    );
    expect(edge).toMatchObject({ acceptedFlows: 1, observedAcceptedFlows: 0, observedRejectedFlows: 1 });
  });
});
