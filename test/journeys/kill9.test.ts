import { existsSync, watch } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../local/control-plane.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import {
  administratorOf,
  EVENT_DOOR,
  freePort,
  MAIN,
  type Started,
  scratch,
  start,
} from '../make/process.ts';
import { AccountAdder } from './kill9-accounts.ts';
import { checkBundle, Survivor } from './kill9-pollers.ts';
import { Writer } from './kill9-writers.ts';

/** How often the process is killed under load. The long form sets more: `npm run test:kill9`. */
const KILLS = Number(process.env.KILLS ?? 20);
/** Of the moments of a first start every so many; the long form takes each. */
const STEP = KILLS > 20 ? 1 : 8;

let folder: Awaited<ReturnType<typeof scratch>>;
const running: Started[] = [];
beforeEach(async () => {
  folder = await scratch();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map(each => each.end('SIGKILL')));
  await folder.remove();
});

const begin = (data: string, port: number, program: string): Started => {
  const started = start(data, port, program);
  running.push(started);
  return started;
};

const TENANT = 'tenant';
const NAMESPACES = ['/tenant', '/tenant/a', '/tenant/b', '/tenant/c'].map(path => NamespacePath.parse(path));

/** The control plane in this process, over what a killed one left, with nothing more to do. */
async function recovered<T>(
  data: string,
  port: number,
  check: (plane: ControlPlane) => Promise<T>,
): Promise<T> {
  const errors: unknown[] = [];
  const silent = () => undefined;
  const log = {
    info: silent,
    warn: silent,
    error: (message: string, more?: object) => errors.push([message, more]),
  };
  const plane = await startControlPlane({ data, host: '127.0.0.1', port, log });
  try {
    await plane.settled();
    const result = await check(plane);
    expect(errors, 'errors that the control plane logged').toEqual([]);
    return result;
  } finally {
    await plane.stop();
  }
}

test(`killed ${KILLS} times under load: nothing acknowledged is lost, every onboarding ends, bundles are those of what is stored`, {
  timeout: 120_000 + KILLS * 10_000,
}, async () => {
  const data = join(folder.path, 'data');
  const port = await freePort();
  const first = begin(data, port, MAIN);
  await first.listening;
  const client = await administratorOf(data);
  const root = await readFile(join(data, 'root.json'));
  const survivors: Survivor[] = [];
  const enforcers = new Map<NamespacePath, string>();
  await client.call('createNamespace', { namespace: '/', body: { name: TENANT, type: 'Tenant' } });
  for (const namespace of NAMESPACES) {
    const name = namespace.slice('/tenant/'.length);
    if (name) await client.call('createNamespace', { namespace: '/tenant', body: { name } });
    const enforcer = { name: 'host', FQDN: `${name}.example.com` };
    const { body } = await client.call('createEnforcer', { namespace, body: enforcer });
    const unit = { name: 'front', type: 'Host', addresses: ['10.0.0.1'], associatedTags: ['app=front'] };
    await client.call('createProcessingunit', { namespace, body: unit });
    enforcers.set(namespace, body.ID);
    survivors.push(new Survivor(namespace, body.ID, root, client));
  }
  await first.end('SIGKILL');

  const writers = NAMESPACES.map(namespace => new Writer(namespace));
  const accounts = new AccountAdder(TENANT);
  for (const survivor of survivors) survivor.begin();
  let early = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const program = kill % 2 === 0 ? EVENT_DOOR : MAIN;
    if (Math.random() < 0.3) {
      // Killed while it recovers, perhaps before it listens.
      const starting = begin(data, port, program);
      await sleep(Math.random() * 900);
      await starting.end('SIGKILL');
      early += 1;
    }
    const plane = begin(data, port, program);
    await plane.listening;
    const load = [
      ...writers.map(writer => writer.run(client)),
      program === EVENT_DOOR ? accounts.asEvents(plane.child) : accounts.overHttp(client),
    ];
    await Promise.race([sleep(50 + Math.random() * 1200), ...load]);
    await plane.end('SIGKILL');
    await Promise.all(load);
    await recovered(data, port, async ready => {
      for (const writer of writers) await writer.check(client);
      await accounts.check(client);
      for (const [namespace, enforcerID] of enforcers)
        await checkBundle(ready, data, namespace, enforcerID, client);
    });
    for (const survivor of survivors) survivor.check();
  }
  for (const survivor of survivors) await survivor.end();
  const writes = writers.reduce((sum, writer) => sum + writer.acknowledged, 0);
  const bundles = survivors.reduce((sum, survivor) => sum + survivor.accepted, 0);
  process.stdout.write(
    `${KILLS} kills under load and ${early} while starting: ${writes} writes and ${accounts.acknowledged} accounts acknowledged, ${bundles} bundles accepted\n`,
  );
  expect(writes).toBeGreaterThan(KILLS * 5);
  expect(bundles).toBeGreaterThan(KILLS);
});

test('killed at any file that its first start makes: the next start works', {
  timeout: 300_000,
}, async () => {
  for (let moment = 1 + Math.floor(Math.random() * STEP); moment < 100; moment += STEP) {
    const data = join(folder.path, `data-${moment}`);
    await mkdir(data);
    const starting = begin(data, 0, MAIN);
    let seen = 0;
    const watcher = watch(data, { recursive: true }, () => {
      seen += 1;
      if (seen === moment) starting.child.kill('SIGKILL');
    });
    const greeted = await starting.listening.then(
      () => true,
      () => false,
    );
    await starting.end('SIGKILL');
    watcher.close();
    const again = begin(data, 0, MAIN);
    const end = await Promise.race([again.ended, again.listening]);
    expect(end, `killed at moment ${moment}`).toHaveProperty('url');
    expect(existsSync(join(data, 'root.json'))).toBe(true);
    const client = await administratorOf(data);
    const { body } = await client.call('createNamespace', { namespace: '/', body: { name: TENANT } });
    expect(body.name).toBe(`/${TENANT}`);
    await again.end('SIGKILL');
    if (greeted) return;
  }
});
