import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../../clients/enforcer/clock.ts';
import { Child } from '../../../../clients/enforcer/flows/child.ts';
import { tcpdumpSource } from '../../../../clients/enforcer/flows/source.ts';
import { fileHeader, made } from './pcap-stream.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'enforcer-child-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function until(what: string, done: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    if (done()) return;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  throw new Error(`waited for ${what}`);
}

const RECORD = { prefix: 'A:r1:', source: '10.0.0.1', destination: '10.0.0.2', protocol: 6, port: 443 };

function source(output: Buffer, after: string) {
  const file = join(folder, 'stream');
  writeFileSync(file, output);
  const prefixes: string[] = [];
  const reasons: string[] = [];
  const reading = tcpdumpSource({
    group: 1,
    clock: systemClock,
    program: ['sh', '-c', `cat "${file}"; ${after}`],
    record: ({ prefix }) => prefixes.push(prefix),
    interrupted: reason => reasons.push(reason),
  });
  reading.start();
  return { reading, prefixes, reasons };
}

test('a reader that is killed is started again, and says why', async () => {
  const { reading, prefixes, reasons } = source(Buffer.concat([fileHeader(), made(RECORD)]), 'exec sleep 60');
  await until('the first record', () => prefixes.length === 1);
  process.kill(reading.pid ?? 0, 'SIGKILL');
  await until('the second record', () => prefixes.length === 2);
  await reading.stop();
  expect([reading.restarts, reasons]).toEqual([1, ['sh: ended by SIGKILL']]);
});

test('output that is no pcap stream ends the reader, and its last words are told', async () => {
  const { reading, reasons } = source(Buffer.alloc(64), 'echo no such group >&2; exec sleep 60');
  await until('the reason', () => reasons.length > 0);
  await reading.stop();
  expect(reasons[0]).toContain('is no pcap magic number');
});

test('a program that is not there is tried again, and never throws', async () => {
  const reasons: string[] = [];
  const child = new Child({
    command: () => [join(folder, 'absent')],
    reader: () => () => undefined,
    ended: reason => reasons.push(reason),
    clock: systemClock,
  });
  child.start();
  await until('two tries', () => reasons.length === 2);
  await child.stop();
  expect(reasons[0]).toContain('ENOENT');
});

test('the child of a run that was killed is ended before the next starts, and only that program', async () => {
  const pidFile = join(folder, 'pid');
  const orphan = spawn('sleep', ['61'], { stdio: 'ignore' });
  const other = spawn('sleep', ['62'], { stdio: 'ignore' });
  const start = () =>
    new Child({
      command: () => ['sleep', '61'],
      reader: () => () => undefined,
      ended: () => undefined,
      clock: systemClock,
      pidFile,
    });
  for (const earlier of [orphan, other]) {
    writeFileSync(pidFile, String(earlier.pid));
    const child = start();
    child.start();
    await until(
      'the new child',
      () => child.pid !== undefined && Number(readFileSync(pidFile, 'utf8')) === child.pid,
    );
    await child.stop();
  }
  await until('the orphan to end', () => orphan.signalCode === 'SIGKILL');
  expect(other.exitCode ?? other.signalCode).toBeNull();
  other.kill();
});
