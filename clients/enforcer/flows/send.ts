import { ApiError } from '../../../shared/api/agent-client.ts';
import type { FlowContext } from '../agent/parts.ts';
import type { Batch } from './delivery.ts';
import type { FlowReport } from './report.ts';

/** Answers that will be the same however often a batch is sent. Anything else may be otherwise later. */
const FINAL: readonly number[] = [400, 413, 422];

/** Of so few reports nobody looks for the one at fault. */
const FEW = 32;
/** Milliseconds; the API itself answers within 29 s or not at all. */
const PATIENCE = 40_000;

/**
 * Brings a batch to the control plane, where a report that arrives twice counts once. Of a batch that it will never take
 * only those reports are given up that are at fault, and few around them. Gives how many that were.
 */
export async function sendFlows(
  { client, enforcer }: Pick<FlowContext, 'client' | 'enforcer'>,
  { reports }: Pick<Batch<FlowReport>, 'reports'>,
  signal: AbortSignal,
): Promise<number> {
  const known = enforcer();
  if (!known) throw new Error('the enforcer is not registered yet');
  const { namespace, ID: enforcerID } = known;
  // Whoever this host was when they were seen: it reports for itself as it is now.
  const body = reports.map(report => ({ ...report, enforcerID }));
  const ends = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]);
  try {
    await client.call('createFlowReports', { namespace, body, signal: ends });
    return 0;
  } catch (error) {
    if (!(error instanceof ApiError && FINAL.includes(error.status))) throw error;
    if (reports.length <= FEW) return reports.length;
  }
  const half = Math.ceil(reports.length / 2);
  let refused = 0;
  for (const part of [reports.slice(0, half), reports.slice(half)])
    refused += await sendFlows({ client, enforcer }, { reports: part }, signal);
  return refused;
}
