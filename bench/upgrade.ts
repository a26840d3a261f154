import { execFileSync } from 'node:child_process';
import type { Bench, Row } from './row.ts';
import type { Simulated } from './upgrades/simulation.ts';
import { DOLLARS_PER_THOUSAND, QUOTAS } from './upgrades/step-functions.ts';

const HOSTS = 25_000;
/** Hosts at a time. */
const AT_A_TIME = 1000;
/** Seconds and bytes that the whole of it may take here. */
const MOST_SECONDS = 300;
const MOST_BYTES = 1e9;

/** In a process of its own, so that its memory is what it needs. */
function simulated(): Simulated {
  const file = new URL('./upgrades/simulation.ts', import.meta.url).pathname;
  const args = ['--disable-warning=ExperimentalWarning', file, String(HOSTS), String(AT_A_TIME)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

const megabytes = (bytes: number): number => bytes / 1e6;

function here({ hosts, seconds, cpuSeconds, peakBytes, outcomes, called, dead, waves }: Simulated): Row[] {
  const name = `upgrade ${hosts} enforcers in ${waves} waves, 1 in 100 with a release that does not start, 1 in 50 an EC2 instance with a dead agent`;
  return [
    {
      name: `${name}, by the clock`,
      value: seconds,
      unit: 's',
      peer: { value: MOST_SECONDS, unit: 's', what: 'our limit' },
    },
    { name: `${name}, processor time of all threads`, value: cpuSeconds, unit: 's' },
    {
      name: `${name}, peak memory of the process`,
      value: megabytes(peakBytes),
      unit: 'MB',
      peer: { value: megabytes(MOST_BYTES), unit: 'MB', what: 'our limit' },
    },
    { name: 'have the new version, and are healthy', value: outcomes.upgraded, unit: 'hosts' },
    {
      name: 'had their runner started by SSM Run Command',
      value: called,
      unit: 'hosts',
      peer: { value: dead, unit: 'hosts', what: 'those whose agent was dead' },
    },
    { name: 'have their former version again', value: outcomes.restored, unit: 'hosts' },
  ];
}

/** Hosts at which the upgrade's own history would be full, at as many events a part as here. */
const mostHosts = ({ hosts, counted }: Simulated): number =>
  Math.floor((hosts * QUOTAS.history) / counted.longest.own);

function onAws(run: Simulated): Row[] {
  const { counted, largestPayload, mostChildren, definitionBytes, simulatedSeconds, hosts } = run;
  const { longest, transitions, executions, invocations } = counted;
  const quota = (value: number, unit: string, what = 'quota of Step Functions') => ({ value, unit, what });
  return [
    { name: 'state transitions, retries included', value: transitions, unit: 'transitions' },
    {
      name: `their price, at $${DOLLARS_PER_THOUSAND} for 1,000, free ones not counted`,
      value: (transitions / 1000) * DOLLARS_PER_THOUSAND,
      unit: 'USD',
    },
    { name: 'of which for each host', value: transitions / hosts, unit: 'transitions' },
    { name: 'calls of Lambda functions by the workflow', value: invocations, unit: 'calls' },
    {
      name: `time that ${QUOTAS.transitionsPerSecond} transitions a second take`,
      value: transitions / QUOTAS.transitionsPerSecond,
      unit: 's',
      peer: { value: simulatedSeconds, unit: 's', what: 'soaks of the waves, which take longer' },
    },
    {
      name: 'history of the upgrade itself',
      value: longest.own,
      unit: 'events',
      peer: quota(QUOTAS.history, 'events'),
    },
    {
      name: 'history of a part, the longest',
      value: longest.child,
      unit: 'events',
      peer: quota(QUOTAS.history, 'events'),
    },
    {
      name: 'hosts at which the history of an upgrade would be full',
      value: mostHosts(run),
      unit: 'hosts',
      peer: { value: hosts, unit: 'hosts', what: 'those of this run' },
    },
    {
      name: 'input, payload, result or variable, the largest',
      value: largestPayload,
      unit: 'bytes',
      peer: quota(QUOTAS.payload, 'bytes'),
    },
    {
      name: 'executions of a distributed Map at a time',
      value: mostChildren,
      unit: 'executions',
      peer: quota(QUOTAS.children, 'executions'),
    },
    {
      name: 'executions in all',
      value: executions,
      unit: 'executions',
      peer: quota(QUOTAS.executions, 'executions', 'quota of Step Functions, of those that are open'),
    },
    {
      name: 'definition',
      value: definitionBytes,
      unit: 'bytes',
      peer: quota(QUOTAS.definition, 'bytes'),
    },
  ];
}

/** A figure that is over the limit beside it is an error, not a row of a table. */
function within(rows: Row[]): Row[] {
  for (const { name, value, unit, peer } of rows) {
    if (!peer || !/limit|quota|soaks/.test(peer.what) || value <= peer.value) continue;
    throw new Error(`${name}: ${value} ${unit}; the most is ${peer.value} ${peer.unit} (${peer.what})`);
  }
  return rows;
}

/** An upgrade of a large fleet in one process, and what the same run takes on Step Functions. */
export const bench: Bench = {
  name: 'upgrade',
  run: async () => {
    const run = simulated();
    if (run.status !== 'Succeeded') throw new Error(`the upgrade ended as ${run.status}`);
    if (run.called !== run.dead)
      throw new Error(`${run.called} of ${run.dead} dead agents' runners were called`);
    return within([...here(run), ...onAws(run)]);
  },
};
