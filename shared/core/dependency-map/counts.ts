import { DEFAULT_POLICY, type FlowReport } from '../../schema/flowreport.ts';

/** Flows by what became of them. */
export interface Counts {
  accepted: number;
  rejected: number;
  /** What rules that only observe would have done. */
  observedAccepted: number;
  observedRejected: number;
  /** Of the accepted and the rejected: those that no rule decided. */
  acceptedByDefault: number;
  rejectedByDefault: number;
}

/** Who saw a flow: one of its ends, or one of them and it cannot be told which. */
export type Reporter = 'Source' | 'Destination' | 'Unknown';

/**
 * Which end a record is of. What is no processing unit reports nothing. Of two units an agent says it itself; those that
 * don't tell name their own end alone where the other one is elsewhere.
 */
export function reporterOf(
  report: Pick<FlowReport, 'reporter' | 'sourceType' | 'destinationType' | 'sourceName' | 'destinationName'>,
): Reporter {
  const [from, to] = [report.sourceType, report.destinationType].map(type => type === 'ProcessingUnit');
  if (from !== to) return from ? 'Source' : 'Destination';
  if (report.reporter !== undefined) return report.reporter;
  const [named, other] = [report.sourceName, report.destinationName].map(name => (name ?? '') !== '');
  return named === other ? 'Unknown' : named ? 'Source' : 'Destination';
}

export const noCounts = (): Counts => ({
  accepted: 0,
  rejected: 0,
  observedAccepted: 0,
  observedRejected: 0,
  acceptedByDefault: 0,
  rejectedByDefault: 0,
});

const NONE: Readonly<Counts> = noCounts();

/** Adds what one record says. */
export function count(to: Counts, { action, observedAction, policyID, value }: FlowReport): void {
  const isDefault = policyID === DEFAULT_POLICY;
  if (action === 'Accept') {
    to.accepted += value;
    if (isDefault) to.acceptedByDefault += value;
  } else {
    to.rejected += value;
    if (isDefault) to.rejectedByDefault += value;
  }
  if (observedAction === 'Accept') to.observedAccepted += value;
  if (observedAction === 'Reject') to.observedRejected += value;
}

/** Adds all of the others. */
export function sum(all: Iterable<Counts>): Counts {
  const total = noCounts();
  for (const counts of all)
    for (const name of Object.keys(total) as (keyof Counts)[]) total[name] += counts[name];
  return total;
}

/**
 * What became of flows that either end counted. What the source let go is the same as what came to the destination: the
 * greater of both is what is known of it. What the destination rejected the source had let go; what the source rejected
 * the destination never saw.
 */
export function reconciled(by: Readonly<Partial<Record<Reporter, Counts>>>): Counts {
  const { Source = NONE, Destination = NONE, Unknown = NONE } = by;
  const through = (sent: number, rejected: number, arrived: number): number =>
    Math.max(sent - rejected, arrived);
  const accepted = through(Source.accepted, Destination.rejected, Destination.accepted) + Unknown.accepted;
  const byDefault = Math.max(Source.acceptedByDefault, Destination.acceptedByDefault);
  return {
    accepted,
    rejected: Source.rejected + Destination.rejected + Unknown.rejected,
    observedAccepted:
      through(Source.observedAccepted, Destination.observedRejected, Destination.observedAccepted) +
      Unknown.observedAccepted,
    observedRejected: Source.observedRejected + Destination.observedRejected + Unknown.observedRejected,
    acceptedByDefault: Math.min(accepted, byDefault + Unknown.acceptedByDefault),
    rejectedByDefault: Source.rejectedByDefault + Destination.rejectedByDefault + Unknown.rejectedByDefault,
  };
}
