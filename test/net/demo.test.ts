import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort, MAIN, scratch } from '../make/process.ts';
import { until } from './until.ts';

let place: Awaited<ReturnType<typeof scratch>>;
beforeEach(async () => {
  place = await scratch();
});
afterEach(() => place.remove());

/** Starts the demo, as root or as somebody else, and interrupts it once it said a thing, or from then on every few ms. */
async function play(
  words: RegExp,
  { uid, every }: { uid?: number; every?: number } = {},
): Promise<{ code: number | null; out: string; pid: number }> {
  const args = ['--disable-warning=ExperimentalWarning', MAIN, '--demo', '--enforce'];
  const child = spawn(process.execPath, [...args, '--port', String(await freePort())], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: place.path },
    ...(uid === undefined ? {} : { uid }),
  });
  let out = '';
  let isInterrupted = false;
  let again: NodeJS.Timeout | undefined;
  const closed = once(child, 'close');
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      if (isInterrupted || words.test('') || !words.test(out)) return;
      isInterrupted = true;
      child.kill('SIGINT');
      if (every) again = setInterval(() => child.kill('SIGINT'), every);
    });
  // Whoever waits for nothing interrupts it as soon as its hosts are there.
  if (words.test(''))
    await until('hosts', () => hostsOf(child.pid ?? 0).length > 0).then(
      () => child.kill('SIGINT'),
      error => {
        child.kill('SIGKILL');
        throw error;
      },
    );
  const [code] = await closed;
  clearInterval(again);
  return { code, out, pid: child.pid ?? 0 };
}

/** The folder is there once there was a host. */
const hostsOf = (pid: number): string[] =>
  existsSync('/run/netns')
    ? readdirSync('/run/netns').filter(name => name.startsWith(`microseg-${pid}-`))
    : [];

const leftovers = (pid: number): string[] => [
  ...hostsOf(pid),
  ...readdirSync('/sys/class/net').filter(name => name === `ms${pid}`),
  ...readdirSync(place.path),
];

test('what is wanted, evaluated and seen on the wire agree everywhere, and Ctrl-C leaves nothing behind', async () => {
  const { code, out, pid } = await play(/Ctrl-C ends everything/);
  console.log(out.slice(out.indexOf('6. Who may talk')).split('\n').slice(0, 30).join('\n'));
  expect(out).toMatch(/54 of 54 connections tried, 0 disagreements/);
  expect(out).toMatch(/web-1 +· +✔✔✔/);
  expect([code, leftovers(pid)]).toEqual([0, []]);
});

/** Nothing was begun that could end in order: the code is a shell's for Ctrl-C. */
const CUT_OFF = 130;

test.each([
  ['it has just begun', /^/, CUT_OFF],
  ['it listens', /Microseg listens/, 0],
  ['hosts come up', /3\. Hosts/, 0],
  ['agents start', /4\. A processing unit/, 0],
])('Ctrl-C when %s leaves nothing behind either', async (_, when, wanted) => {
  const { code, out, pid } = await play(when);
  expect(out).not.toMatch(/Error|microseg: |Ctrl-C ends everything/);
  expect([code, leftovers(pid)]).toEqual([wanted, []]);
});

test('Ctrl-C again and again leaves nothing behind either, and says nothing of what was cut off', async () => {
  const { code, out, pid } = await play(/3\. Hosts/, { every: 3 });
  expect(out).not.toMatch(/Error|microseg: |Ctrl-C ends everything/);
  expect([code, leftovers(pid)]).toEqual([CUT_OFF, []]);
});

test('who is not root is told what is missing', async () => {
  const { code, out, pid } = await play(/never/, { uid: 65_534 });
  expect(out).toContain('--enforce needs root; without it --demo plays the same and enforces nothing');
  expect([code, leftovers(pid)]).toEqual([1, []]);
});
