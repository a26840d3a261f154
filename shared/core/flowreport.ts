import { createHash } from 'node:crypto';
import type { FlowReport, FlowReportInput } from '../schema/flowreport.ts';
import { isWithin, type NamespacePath, ObjectId } from '../schema/ids.ts';
import type { RuleIssue } from '../schema/resource.ts';

const HOUR = 3_600_000;
/** A record is kept by its day: how far that may be from the day on which it came. */
const OLDEST = 31 * 24 * HOUR;
const AHEAD = 24 * HOUR;

/** Where and when a batch came, and from whom. */
export interface Delivered {
  namespace: NamespacePath;
  now: Date;
  /** The enforcer that sent it; undefined for other callers. */
  enforcerID: string | undefined;
}

/** What is wrong with a record in this place and at this time. */
export function flowIssues(
  { namespace, enforcerID, timestamp }: FlowReportInput,
  at: number,
  delivered: Delivered,
): RuleIssue[] {
  const issues: RuleIssue[] = [];
  const issue = (name: string, input: unknown, message: string) =>
    issues.push({ path: [at, name], input, message });
  if (!isWithin(namespace, delivered.namespace))
    issue('namespace', namespace, `it must be ${delivered.namespace}, where the request goes, or below`);
  if (delivered.enforcerID !== undefined && (enforcerID ?? delivered.enforcerID) !== delivered.enforcerID)
    issue('enforcerID', enforcerID, `enforcer ${delivered.enforcerID} reports for itself; leave it out`);
  const age = timestamp === undefined ? 0 : delivered.now.getTime() - Date.parse(timestamp);
  if (age > OLDEST) issue('timestamp', timestamp, 'it is more than 31 days ago; such records are not taken');
  if (age < -AHEAD) issue('timestamp', timestamp, "it is more than a day ahead; set the host's clock");
  return issues;
}

/**
 * The record as it is kept. Without an ID it gets one that is made of what it says, behind its time, so that the same
 * record sent again is the same.
 */
export function flowReport(sent: FlowReportInput, { now, enforcerID }: Delivered): FlowReport {
  const timestamp = sent.timestamp ?? now.toISOString();
  const report = { ...(enforcerID === undefined ? {} : { enforcerID }), ...sent, timestamp };
  return { ...report, ID: sent.ID ?? idOf(report, timestamp) };
}

function idOf(report: object, timestamp: string): ObjectId {
  const said = JSON.stringify(Object.entries(report).sort(([a], [b]) => (a < b ? -1 : 1)));
  const hash = createHash('sha256').update(said).digest('hex').slice(0, 12);
  return ObjectId.parse(Date.parse(timestamp).toString(16).padStart(12, '0') + hash);
}
