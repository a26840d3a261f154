import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { enforcing, type Fleet, NAMESPACE, openFleet, put, type RealAgent } from './fleet.ts';
import { openProbes, type Probes } from './hosts/probes.ts';
import { until } from './until.ts';

const tcp = (port: number) => ({ kind: 'ports', protocol: 6, port }) as const;
const ALLOWED = { from: '10.0.0.1', to: '10.0.0.2', traffic: tcp(80) };
const REFUSED = { from: '10.0.0.1', to: '10.0.0.2', traffic: tcp(81) };

const textAt = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};
const nameOf = (pid: number): string => textAt(`/proc/${pid}/cmdline`).split('\0')[0] ?? '';

/** What an agent runs beside itself. */
const programsOf = ({ process: { pid } }: RealAgent): number[] =>
  textAt(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);

describe('agents on real hosts', () => {
  let fleet: Fleet;
  let probes: Probes;
  let web: RealAgent;
  let db: RealAgent;

  /** Whether the one SYN gets to the other host and the other does not. */
  const decidesRightly = async (times: Parameters<Probes['send']>[2] = {}): Promise<boolean> => {
    const [allowed, refused] = await probes.send([ALLOWED, REFUSED], at => ({ arrived: at === 0 }), times);
    return allowed?.arrived === true && refused?.arrived === false;
  };

  /** Probes without a pause while something goes on and a second longer: how many, and how many were decided wrongly. */
  async function probed(work: () => Promise<unknown>): Promise<{ sent: number; wrong: number }> {
    const counted = { sent: 0, wrong: 0 };
    let goesOn = true;
    const probing = (async () => {
      while (goesOn) {
        if (!(await decidesRightly({ grace: 5 }))) counted.wrong++;
        counted.sent += 2;
      }
    })();
    try {
      await work();
      await wait(1000);
    } finally {
      goesOn = false;
      await probing;
    }
    return counted;
  }

  beforeAll(async () => {
    fleet = await openFleet([
      { name: 'web', addresses: ['10.0.0.1'], tags: ['app=web'] },
      { name: 'db', addresses: ['10.0.0.2', '10.0.0.22'], tags: ['app=db'] },
      { name: 'else', addresses: ['10.0.0.3'], tags: [] },
    ]);
    probes = await openProbes(fleet.network);
    await fleet.client.call('createNetworkrulesetpolicy', {
      namespace: NAMESPACE,
      body: {
        name: 'web to db',
        subject: [['app=web'], ['app=db']],
        incomingRules: [{ action: 'Allow', object: [['app=web']], protocolPorts: ['tcp/80'] }],
        outgoingRules: [{ action: 'Allow', object: [['app=db']], protocolPorts: ['tcp/80'] }],
      },
    });
    [web, db] = [await fleet.start('web'), await fleet.start('db')];
    await Promise.all([enforcing(web), enforcing(db)]);
    await until('the wire to agree', () => decidesRightly({ patience: 300 }));
  });

  afterAll(async () => {
    await probes?.close();
    await fleet?.close();
  });

  test('explain decides as the wire does, and says by which rule', async () => {
    const allowed = await fleet.command(
      db.host,
      'explain',
      '10.0.0.1',
      '10.0.0.2',
      'tcp/80',
      '--state',
      db.folder,
    );
    expect(allowed).toContain('allowed, by revision');
    expect(allowed).toContain('incoming rule 1 of ruleset `web to db`');
    const refused = await fleet.command(
      db.host,
      'explain',
      '10.0.0.1',
      '10.0.0.2',
      'tcp/81',
      '--state',
      db.folder,
    );
    expect(refused).toContain('rejected, by revision');
    const asked = ['explain', '10.0.0.1', '10.0.0.2', 'tcp/81', '--json', '--state', db.folder];
    expect(JSON.parse(await fleet.command(db.host, ...asked))).toMatchObject({
      verdict: 'reject',
      lockdown: false,
      sides: [{ side: 'destination', verdict: 'reject' }],
    });
  });

  test('rules tell what they did, and a second look that they did more', async () => {
    const rejected = async (): Promise<number> => {
      const said = await fleet.command(db.host, 'rules', '--json', '--state', db.folder);
      const deeds = JSON.parse(said) as {
        packets: number;
        meaning?: { verdict: string; direction: string };
      }[];
      expect(deeds.every(({ meaning }) => meaning !== undefined)).toBe(true);
      return deeds
        .filter(({ meaning }) => meaning?.verdict === 'reject' && meaning.direction === 'incoming')
        .reduce((sum, { packets }) => sum + packets, 0);
    };
    const before = await rejected();
    const traffic = { kind: 'ports', protocol: 17, port: 4444 } as const;
    await probes.send([{ from: '10.0.0.3', to: '10.0.0.2', traffic }], () => ({}));
    await until('one more', async () => (await rejected()) === before + 1 || undefined);
    expect(await fleet.command(db.host, 'rules', '--state', db.folder)).toMatch(/packets +bytes +verdict/);
  });

  test('status tells what holds', async () => {
    const text = await fleet.command(db.host, 'status', '--state', db.folder);
    expect(text).toMatch(/enforced for/);
    expect(await fleet.command(db.host, 'status', '--check', '--state', db.folder)).toContain('revision');
    expect(text).not.toContain('trouble           polling');
  });

  test('kill -9 of the agent: the rules stay, and it starts again from disk without a gap', async () => {
    await fleet.leave();
    const beside = programsOf(db);
    const names = new Set(beside.map(nameOf));
    expect([...names].sort()).toEqual(['nft', 'tcpdump']);
    await db.kill('SIGKILL');
    expect(await decidesRightly()).toBe(true);
    const { sent, wrong } = await probed(async () => {
      db = await fleet.start('db');
      await until('the policy from disk', () => db.out().includes('from disk'));
    });
    console.log(`kill -9: ${sent} probes while the agent was away and came back, ${wrong} decided wrongly`);
    expect(wrong).toBe(0);
    expect(beside.filter(pid => nameOf(pid) !== '')).toEqual([]);
    await fleet.comeBack();
    await enforcing(db);
  });

  test.each([
    ['bundle/bundle.json', '{"version":1,'],
    ['policy.json', ''],
    ['peers.json', '\0\0\0'],
    ['host.json', '[]'],
  ])(
    'a damaged %s: the rules stay, what is damaged is fetched again, and nothing wrong passes',
    async (name, damage) => {
      await db.kill('SIGKILL');
      const [file] = readdirSync(db.folder, { recursive: true, encoding: 'utf8' }).filter(one =>
        one.endsWith(name),
      );
      put(join(db.folder, file ?? ''), damage);
      const { sent, wrong } = await probed(async () => {
        db = await fleet.start('db');
        await enforcing(db);
      });
      console.log(`a damaged ${name}: ${sent} probes until it was mended, ${wrong} decided wrongly`);
      expect([wrong, db.status()?.troubles.cache]).toEqual([0, undefined]);
      expect(readFileSync(join(db.folder, file ?? ''), 'utf8')).not.toBe(damage);
    },
  );

  test('SIGTERM keeps the rules, and says goodbye', async () => {
    await until('contact', () => (db.out().includes('polls') ? true : undefined));
    await db.kill('SIGTERM');
    expect(await decidesRightly()).toBe(true);
    const { body } = await fleet.client.call('listEnforcer', { namespace: NAMESPACE });
    expect(body.find(({ name }) => name === 'db')?.operationalStatus).toBe('Disconnected');
    db = await fleet.start('db');
    await enforcing(db);
  });

  test('a foreign `nft flush ruleset` is repaired, even right after a change of our own', async () => {
    const hasTable = async () =>
      (await db.host.run('nft', ['list', 'tables'])).includes('inet prisma') ? true : undefined;
    const flushed = async (): Promise<number> => {
      const begun = performance.now();
      await db.host.run('nft', ['flush', 'ruleset']);
      // Without a hint it would be found as well, but only once a minute.
      await until('the table', hasTable, { within: 20_000 });
      return performance.now() - begun;
    };
    await wait(1000);
    const before = db.status()?.mended ?? 0;
    const times: number[] = [];
    for (let round = 0; round < 10; round++) {
      times.push(await flushed());
      // It is told once the mended table was compared. A flush before that would be found by the same comparison.
      await until('the mending', () => ((db.status()?.mended ?? 0) > before + round ? true : undefined));
      await wait(500);
    }
    times.sort((a, b) => a - b);
    const [median, worst] = [times[5], times[9]].map(time => Math.round(time ?? 0));
    console.log(`flush ruleset: the rules are back after ${median} ms (median of 10), at most ${worst} ms`);
    expect(db.status()?.mended).toBe(before + 10);
    for (let round = 0; round < 5; round++) await flushed();
    expect(await decidesRightly()).toBe(true);
  });

  test('reconcile mends through the agent, and a foreign table is left alone', async () => {
    await db.host.run(
      'nft',
      ['-f', '-'],
      'table inet other {\n  chain c {\n    type filter hook input priority 10\n  }\n}\n',
    );
    await db.host.run('nft', ['delete', 'table', 'inet', 'prisma']);
    const text = await fleet.command(db.host, 'reconcile', '--state', db.folder);
    expect(text).toMatch(/^(mended: |the kernel holds the policy)/);
    const tables = await db.host.run('nft', ['list', 'tables']);
    expect(tables.trim().split('\n').sort()).toEqual(['table inet other', 'table inet prisma']);
    await db.host.run('nft', ['delete', 'table', 'inet', 'other']);
  });

  test('units of a file are enforced by their own tags, and SIGHUP reads it again', async () => {
    const cache = { from: '10.0.0.1', to: '10.0.0.22', traffic: tcp(6379) };
    const reaches = async (arrived: boolean) =>
      (await probes.send([cache], () => ({ arrived }), { patience: 300 }))[0]?.arrived;
    await fleet.client.call('createNetworkrulesetpolicy', {
      namespace: NAMESPACE,
      body: {
        name: 'cache',
        subject: [['app=cache'], ['app=web']],
        incomingRules: [{ action: 'Allow', object: [['app=web']], protocolPorts: ['tcp/6379'] }],
        outgoingRules: [{ action: 'Allow', object: [['app=cache']], protocolPorts: ['tcp/6379'] }],
      },
    });
    const file = join(fleet.place, 'units.yaml');
    const units = (tag: string) =>
      put(file, `units:\n  - {name: cache, tags: [${tag}], addresses: [10.0.0.22]}\n`);
    units('app=nothing');
    await db.kill('SIGTERM');
    db = await fleet.start('db', '--units', file);
    await until('two units', () =>
      db.status()?.active?.units === 2 && db.out().includes('polls') ? true : undefined,
    );
    expect(await reaches(false)).toBe(false);
    const known = (await fleet.client.call('listProcessingunit', { namespace: NAMESPACE })).body;
    expect(known.find(({ name }) => name === 'db')?.addresses).toEqual(['10.0.0.2']);
    units('app=cache');
    db.process.kill('SIGHUP');
    await until('the cache to be reached', () => reaches(true));
    expect(await decidesRightly()).toBe(true);
    put(file, 'units: []\n');
    db.process.kill('SIGHUP');
    await until('one unit', () => (db.status()?.active?.units === 1 ? true : undefined));
    const { body } = await fleet.client.call('listProcessingunit', { namespace: NAMESPACE });
    expect(body.map(({ name }) => name).sort()).toEqual(['db', 'web']);
  });

  test('what is kept is root’s alone', () => {
    for (const name of ['status.json', 'host.json', 'bundle/bundle.json'])
      expect(statSync(join(db.folder, name)).mode & 0o777, name).toBe(0o600);
    expect(JSON.parse(readFileSync(join(db.folder, 'status.json'), 'utf8')).enforces).toBe(true);
  });
});
