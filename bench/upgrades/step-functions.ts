import type { Database } from '../../shared/adapters/local/database.ts';

/**
 * What Step Functions would count and bill for executions that ran here: the journal names events as Step Functions does.
 * Sources: AWS Step Functions developer guide, "Service quotas"; aws.amazon.com/step-functions/pricing, Standard Workflows.
 */
export const QUOTAS = {
  /** Events in the history of one execution; hard. */
  history: 25_000,
  /** Bytes of an input, an output, a result or a variable; hard. */
  payload: 256 * 1024,
  /** Executions of one distributed Map at a time. */
  children: 10_000,
  /** Map Runs that are open at a time, of an account in a region. */
  mapRuns: 1000,
  /** Standard executions that are open at a time, of an account in a region. */
  executions: 1_000_000,
  /** Bytes of a definition; hard. */
  definition: 1024 * 1024,
  /** State transitions a second that every region sustains; the large ones sustain 5,000. */
  transitionsPerSecond: 800,
} as const;

/** US dollars for a thousand state transitions, in most regions. */
export const DOLLARS_PER_THOUSAND = 0.025;

export interface Counted {
  executions: number;
  children: number;
  events: number;
  /** Of the execution with the longest history: the upgrade's own, and a part's. */
  longest: { own: number; child: number };
  /** States that were entered, and attempts after the first. */
  transitions: number;
  invocations: number;
}

const TRANSITIONS = `
  SELECT sum(type LIKE '%StateEntered') AS entered, sum(type = 'TaskStateEntered') AS tasks,
    sum(type = 'TaskScheduled') AS scheduled, count(*) AS events
  FROM workflow_history`;

const LENGTHS = `
  SELECT name, count(*) AS events FROM workflow_history GROUP BY workflow, name ORDER BY events DESC`;

/** Reads the journal. `own`: names of the executions that no Map started. */
export function counted({ handle }: Database, own: readonly string[]): Counted {
  const { entered, tasks, scheduled, events } = handle.prepare(TRANSITIONS).get() ?? {};
  const rows = handle.prepare(LENGTHS).all();
  const longest = (isOwn: boolean): number =>
    Number(rows.find(({ name }) => own.includes(String(name)) === isOwn)?.events ?? 0);
  return {
    executions: rows.length,
    children: rows.length - own.length,
    events: Number(events),
    longest: { own: longest(true), child: longest(false) },
    transitions: Number(entered) + Number(scheduled) - Number(tasks),
    invocations: Number(scheduled),
  };
}
