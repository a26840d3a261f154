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
  /** Who sent it, as the token says. */
  sender: string;
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
 * The record as it is kept. Its ID is made of what it says or, where its sender named it, of the sender, the namespace and that
 * name: the same record sent again is the same, and nobody can send one that takes the place of another's.
 */
export function flowReport(sent: FlowReportInput, { now, enforcerID, sender }: Delivered): FlowReport {
  const timestamp = sent.timestamp ?? now.toISOString();
  const { ID, ...said } = sent;
  const report = { ...(enforcerID === undefined ? {} : { enforcerID }), ...said, timestamp };
  return { ...report, ID: idOf(ID === undefined ? report : { sender, namespace: sent.namespace, ID }) };
}

/** All of it is hash: where a record belongs its timestamp says, and whoever looks for another of the same ID shall find none. */
function idOf(report: object): ObjectId {
  const said = JSON.stringify(Object.entries(report).sort(([a], [b]) => (a < b ? -1 : 1)));
  return ObjectId.parse(createHash('sha256').update(said).digest('hex').slice(0, 24));
}
