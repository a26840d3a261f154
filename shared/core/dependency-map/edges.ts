import type { FlowReport } from '../../schema/flowreport.ts';
import { protocolLabel } from '../ports.ts';
import { reconciled, sum } from './counts.ts';
import type { AccessTally, EdgeTally, FlowTally, PolicyTally } from './tally.ts';

/** Entries of each list of an edge at most; an edge tells how many there are beside them. */
const MOST_LISTED = 20;

/** Flows by what became of them, in the original's words; those by default are parts of the others. */
export interface EdgeCounts {
  acceptedFlows: number;
  rejectedFlows: number;
  observedAcceptedFlows: number;
  observedRejectedFlows: number;
  acceptedByDefault: number;
  rejectedByDefault: number;
}

/** `protocolPort`: `tcp/443`, `icmp`; empty: the records don't say. */
export type MapAccess = EdgeCounts & { protocolPort: string };

/** Who talked to whom, and what became of it. */
export interface MapEdge extends EdgeCounts {
  ID: string;
  sourceID: string;
  sourceType: FlowReport['sourceType'];
  destinationID: string;
  destinationType: FlowReport['destinationType'];
  encrypted: boolean;
  firstSeen: string;
  lastSeen: string;
  accesses: MapAccess[];
  accessesLeftOut: number;
  policies: PolicyTally[];
  policiesLeftOut: number;
}

/** No two pairs of IDs share one, whatever characters are in them. */
const edgeID = (...ends: readonly string[]): string =>
  ends.map(end => end.replace(/[%-]/g, found => (found === '%' ? '%25' : '%2D'))).join('-');

const protocolPort = ({ protocol, port }: AccessTally): string =>
  `${protocol === undefined ? '' : protocolLabel(protocol)}${port === undefined ? '' : `/${port}`}`;

function countsOf(accesses: Iterable<AccessTally>): EdgeCounts {
  const { accepted, rejected, observedAccepted, observedRejected, ...byDefault } = sum(
    [...accesses].map(({ by }) => reconciled(by)),
  );
  return {
    acceptedFlows: accepted,
    rejectedFlows: rejected,
    observedAcceptedFlows: observedAccepted,
    observedRejectedFlows: observedRejected,
    ...byDefault,
  };
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What was rejected before what was not, then the most flows, then by the text: never by the order of records. */
const byWeight =
  <T>(rejected: (one: T) => number, all: (one: T) => number, text: (one: T) => string) =>
  (a: T, b: T): number =>
    Number(rejected(b) > 0) - Number(rejected(a) > 0) || all(b) - all(a) || byText(text(a), text(b));

const flowsOf = ({ acceptedFlows, rejectedFlows }: EdgeCounts): number => acceptedFlows + rejectedFlows;

const accessOrder = byWeight<MapAccess>(
  ({ rejectedFlows }) => rejectedFlows,
  flowsOf,
  ({ protocolPort: text }) => text,
);
const policyOrder = byWeight<PolicyTally>(
  ({ action }) => Number(action === 'Reject'),
  ({ flows }) => flows,
  ({ policyID, policyNamespace, ruleName, reporter }) =>
    JSON.stringify([policyID, policyNamespace, ruleName, reporter]),
);
const edgeOrder = byWeight<MapEdge>(
  ({ rejectedFlows }) => rejectedFlows,
  flowsOf,
  ({ ID }) => ID,
);

function shownEdge(edge: EdgeTally, { ends }: FlowTally): MapEdge {
  const { sourceID, destinationID, encrypted, firstSeen, lastSeen } = edge;
  const accesses = [...edge.accesses.values()]
    .map(access => ({ protocolPort: protocolPort(access), ...countsOf([access]) }))
    .sort(accessOrder);
  const policies = [...edge.policies.values()].sort(policyOrder);
  const typeOf = (ID: string) => ends.get(ID)?.type ?? 'ExternalNetwork';
  return {
    ID: edgeID(sourceID, destinationID),
    sourceID,
    sourceType: typeOf(sourceID),
    destinationID,
    destinationType: typeOf(destinationID),
    ...countsOf(edge.accesses.values()),
    encrypted,
    firstSeen,
    lastSeen,
    accesses: accesses.slice(0, MOST_LISTED),
    accessesLeftOut: Math.max(0, accesses.length - MOST_LISTED),
    policies: policies.slice(0, MOST_LISTED),
    policiesLeftOut: Math.max(0, policies.length - MOST_LISTED),
  };
}

/** All edges, those first that a map with too many of them keeps. */
export const edgesOf = (tally: FlowTally): MapEdge[] =>
  [...tally.edges.values()].map(edge => shownEdge(edge, tally)).sort(edgeOrder);
