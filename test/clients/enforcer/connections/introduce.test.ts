import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { introduce } from '../../../../clients/enforcer/connections/introduce.ts';
import { introducing } from '../../../../clients/enforcer/connections/introducing.ts';
import type { Connection } from '../../../../clients/enforcer/connections/sockets.ts';
import type { DataPlane, HostPolicy } from '../../../../clients/enforcer/data-plane.ts';

const one = (port: number): Connection => ({
  family: 4,
  source: { address: '10.9.0.1', port },
  destination: { address: '10.9.0.2', port: 443 },
});
const ran = (code: number, stderr = '') => ({ code, stdout: '', stderr });

/** A conntrack that answers so, and what it was called with; of a file, its content. */
function conntrack(answer: (args: readonly string[]) => ReturnType<typeof ran>) {
  const calls: string[] = [];
  const files: string[] = [];
  return {
    calls,
    files,
    run: async (args: readonly string[]) => {
      const [command, file = ''] = args;
      if (command === '-R') files.push(file);
      calls.push(command === '-R' ? readFileSync(file, 'utf8') : args.join(' '));
      return answer(args);
    },
  };
}

const tuple = (port: number) =>
  `-p tcp -s 10.9.0.1 -d 10.9.0.2 --sport ${port} --dport 443 ` +
  '--state ESTABLISHED -u ASSURED,SEEN_REPLY -t 432000';

test('all in one go, by a file that is gone afterwards', async () => {
  const { calls, files, run } = conntrack(() => ran(0));
  const warned: unknown[] = [];
  const log = { warn: (...words: unknown[]) => void warned.push(words) };
  await introduce({ log, containers: false, conntrack: run, find: async () => [one(1), one(2)] });
  expect(calls).toEqual([`-A ${tuple(1)}\n-A ${tuple(2)}\n`]);
  expect(files.map(file => existsSync(file))).toEqual([false]);
  expect(warned).toEqual([]);
});

test('one by one where conntrack takes no list, and known ones do not end it', async () => {
  const old = ran(2, "conntrack: invalid option -- 'R'");
  const { calls, run } = conntrack(([command]) => (command === '-R' ? old : ran(1, 'File exists')));
  const warned: unknown[] = [];
  const log = { warn: (...words: unknown[]) => void warned.push(words) };
  await introduce({ log, containers: false, conntrack: run, find: async () => [one(1), one(2), one(3)] });
  expect(calls.slice(1).toSorted()).toEqual([1, 2, 3].map(port => `-I ${tuple(port)}`));
  expect(warned).toHaveLength(1);
});

test('where there is no conntrack it is asked once, and what to install is said', async () => {
  const { calls, run } = conntrack(() => ran(127, 'spawn conntrack ENOENT'));
  const warned: unknown[][] = [];
  const log = { warn: (...words: unknown[]) => void warned.push(words) };
  await introduce({ log, containers: false, conntrack: run, find: async () => [one(1), one(2)] });
  expect([calls.length, warned.map(([, words]) => words)]).toEqual([
    1,
    ['connections stay unknown, and are judged by the end that speaks first; install conntrack'],
  ]);
});

test('never fails, and says why nothing was told', async () => {
  const warned: unknown[] = [];
  const log = { warn: (...words: unknown[]) => void warned.push(words) };
  const find = () => {
    throw new Error('no /proc here');
  };
  await introduce({ log, containers: false, conntrack: conntrack(() => ran(0)).run, find });
  expect(warned).toEqual([[{ reason: 'no /proc here' }, 'connections stay unknown']]);
});

test('before and after the first rules, after they were mended, and not with every change', async () => {
  const steps: string[] = [];
  let [outcome, mended] = ['refused', false];
  const plane = {
    apply: async () => {
      steps.push(outcome);
      return { outcome };
    },
    reconcile: async () => ({ mended, difference: '' }),
    remove: async () => void steps.push('removed'),
  } as unknown as DataPlane;
  const policyOf = (...units: object[]) => ({ units }) as unknown as HostPolicy;
  const policy = policyOf({ isHost: true, addresses: ['10.9.0.1'] }, { isHost: false, addresses: [] });
  const introduced = introducing(plane, async ({ containers }) => {
    steps.push(containers ? 'introduced with containers' : 'introduced');
  });
  await introduced.apply(policy);
  outcome = 'applied';
  await introduced.apply(policy);
  await introduced.apply(policy);
  expect(steps.splice(0)).toEqual([
    'introduced',
    'refused',
    'introduced',
    'applied',
    'introduced',
    'applied',
  ]);
  await introduced.reconcile();
  expect(steps.splice(0)).toEqual([]);
  mended = true;
  await introduced.reconcile();
  expect(steps.splice(0)).toEqual(['introduced']);
  await introduced.remove();
  await introduced.apply(policyOf({ isHost: false, addresses: ['10.9.0.3'] }));
  const [before, rules, after] = ['introduced with containers', 'applied', 'introduced with containers'];
  expect(steps).toEqual(['removed', before, rules, after]);
});
