import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { enforcing, type Fleet, NAMESPACE, openFleet, type RealAgent, recording } from './fleet.ts';
import { openProbes, type Probes } from './hosts/probes.ts';
import { until } from './until.ts';

const [WEB, DB] = ['10.0.0.1', '10.0.0.2'];

let fleet: Fleet;
let probes: Probes;
let folder: string;
let agent: RealAgent;
beforeAll(async () => {
  fleet = await openFleet([
    { name: 'web', addresses: [WEB], tags: [] },
    { name: 'db', addresses: [DB], tags: ['app=db'] },
  ]);
  probes = await openProbes(fleet.network);
  folder = join(fleet.place, 'db');
  mkdirSync(folder, { mode: 0o700 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k,mode=700', 'tmpfs', folder]);
  await start();
});
afterAll(async () => {
  await probes?.close();
  if (fleet) execFileSync('umount', ['-l', folder]);
  await fleet?.close();
});

const filler = (): string => join(folder, 'filler');
function fill(): void {
  for (let bytes = 512 * 1024; bytes >= 1; bytes = Math.floor(bytes / 2)) {
    try {
      writeFileSync(filler(), Buffer.alloc(bytes), { flag: 'a' });
    } catch {
      // No room for so much.
    }
  }
}

/** The control plane is away, the disk is full, and nothing is under way any more that could leave room on it. */
async function leaveAndFill(): Promise<void> {
  // One that began from disk has not been there yet, and would not poll.
  await until('the control plane to know it', () => agent.status()?.enforcer, { instead: said });
  await fleet.leave();
  const left = new Date().toISOString();
  // A poll in vain, or a registration, comes after all that what was under way before it wrote and took away.
  const inVain = () => {
    const { polling, registration } = agent.status()?.troubles ?? {};
    return [polling, registration].some(trouble => (trouble?.at ?? '') > left);
  };
  await until('a question in vain', inVain, { instead: said });
  fill();
}

/** Flows to ports that nobody else asks for. */
async function flows(first: number, count: number): Promise<number[]> {
  const ports = Array.from({ length: count }, (_, at) => first + at);
  const traffic = (port: number) => ({ kind: 'ports', protocol: 6, port }) as const;
  const wanted = ports.map(port => ({ from: WEB, to: DB, traffic: traffic(port) }));
  await probes.send(wanted, () => ({}), { patience: 0, grace: 50 });
  return ports;
}
/** How often the control plane was told of each port, counted once where a report came twice. */
async function told(ports: readonly number[]): Promise<number[]> {
  const query = { startRelative: '-1h', limit: 10_000 };
  const { body } = await fleet.client.call('listFlowReports', { namespace: NAMESPACE, query });
  return ports.filter(port => body.some(({ destinationPort }) => destinationPort === port));
}
const allTold = (ports: readonly number[]): Promise<true> =>
  until(
    `reports of ${ports[0]} and more`,
    async () => ((await told(ports)).length === ports.length ? true : undefined),
    { instead: said },
  );

test('with a full disk reports wait in memory, the status says so, and none is lost', async () => {
  await leaveAndFill();
  const ports = await flows(1000, 20);
  const status = await until('the status on a full disk', () => {
    const now = agent.status();
    return now?.flows?.held && now.troubles.spool ? now : undefined;
  });
  expect(status.troubles.spool?.detail).toMatch(/can't be kept on disk \(ENOSPC\); they wait in memory/);
  expect(await fleet.command(agent.host, 'status', '--state', folder)).toMatch(
    /batches on disk, \d+ in memory/,
  );
  await fleet.comeBack();
  await allTold(ports);
  const after = await until('the end of the trouble', () => {
    const now = agent.status();
    return now && !now.troubles.spool ? now : undefined;
  });
  expect(after.flows).toMatchObject({ dropped: 0, held: 0 });
});

/** A run of it, as it begins. */
async function start(): Promise<void> {
  agent = await fleet.start('db', '--flow-interval', '1');
  await enforcing(agent);
  await recording(agent);
}

/** What is in the files that wait while the control plane is away. */
function spooled(): { destinationPort: number }[] {
  const spool = join(folder, 'flows/spool');
  return readdirSync(spool)
    .filter(name => name.endsWith('.json'))
    .flatMap(name => JSON.parse(readFileSync(join(spool, name), 'utf8')).reports);
}
/** Of these ports, those whose reports wait on disk. What an earlier run has sent and could not take away may be there as well. */
const onDisk = (ports: readonly number[]): number[] => {
  const found = new Set(spooled().map(({ destinationPort }) => destinationPort));
  return ports.filter(port => found.has(port));
};
const areOnDisk = (ports: readonly number[]): Promise<true> =>
  until('reports on disk', () => onDisk(ports).length === ports.length || undefined, { instead: said });

const said = () =>
  JSON.stringify([readdirSync(join(folder, 'flows/spool')), agent.status(), agent.out(), agent.err()]);

/** Whether reports of so many records, of all that were read in this run, have come to wait in memory. */
const held = (records: number): boolean => {
  const { flows } = agent.status() ?? {};
  return flows !== undefined && flows.held > 0 && flows.waiting === 0 && flows.records === records;
};

// More than what the agent itself leaves room for as it ends.
const MANY = 200;

test('an agent that is told to end brings away what no disk takes', async () => {
  await leaveAndFill();
  const ports = await flows(2000, MANY);
  await until('reports in memory', () => held(20 + MANY), { instead: said });
  await fleet.comeBack();
  await agent.kill('SIGTERM');
  expect((await told(ports)).length).toBeGreaterThan(0);
  expect(agent.err()).not.toContain('are lost');
  expect(agent.process.exitCode).toBe(0);
  rmSync(filler());
  await start();
  await allTold(ports);
});

test('where the control plane is away as well, the log tells how many are lost, and the rest is told later', async () => {
  await leaveAndFill();
  const ports = await flows(3000, MANY);
  await until('reports in memory', () => held(MANY), { instead: said });
  await agent.kill('SIGTERM');
  const lost = Number(/"reports":(\d+),"msg":"flow reports are lost/.exec(agent.err())?.[1]);
  expect(lost).toBeGreaterThan(0);
  rmSync(filler());
  await fleet.comeBack();
  await start();
  const found = () => told(ports);
  await until('the rest', async () => (await found()).length === MANY - lost, { instead: said });
});

test('what an earlier run left on a disk that is read-only now is sent, and what comes after as well', async () => {
  await fleet.leave();
  const left = await flows(4000, 5);
  await areOnDisk(left);
  await agent.kill('SIGTERM');
  execFileSync('mount', ['-o', 'remount,ro', folder]);
  try {
    await fleet.comeBack();
    agent = await fleet.start('db', '--flow-interval', '1');
    await allTold(left);
    await recording(agent);
    await allTold(await flows(5000, 5));
    expect(agent.process.exitCode).toBeNull();
  } finally {
    execFileSync('mount', ['-o', 'remount,rw', folder]);
  }
});

test('a host that starts while the control plane is away records what its policy from disk decides', async () => {
  await agent.kill('SIGKILL');
  await fleet.leave();
  await start();
  const ports = await flows(6000, 5);
  await areOnDisk(ports);
  expect(agent.status()?.enforcer).toBeUndefined();
  await fleet.comeBack();
  await allTold(ports);
});
