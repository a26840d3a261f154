import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from '../../../../clients/enforcer/agent/agent.ts';
import type { AgentParts } from '../../../../clients/enforcer/agent/parts.ts';
import { credentialClient } from '../../../../clients/enforcer/agent/session.ts';
import type { FoundUnit } from '../../../../clients/enforcer/agent/units.ts';
import { hostUnit } from '../../../../clients/enforcer/agent/units.ts';
import type { Log } from '../../../../clients/enforcer/log.ts';
import { type ControlPlane, startControlPlane } from '../../../../local/control-plane.ts';
import type { Client } from '../../../../shared/api/client.ts';
import { touch } from '../../../../shared/core/object.ts';
import { Credential } from '../../../../shared/schema/appcredential.ts';
import type { Enforcer } from '../../../../shared/schema/enforcer.ts';
import { Migration } from '../../../../shared/schema/migration.ts';
import { adminClient } from '../../../make/admin-client.ts';
import { freePort } from '../../../make/process.ts';
import { type MovedClock, movedClock } from '../clock.ts';
import { FakePlane } from './fake-plane.ts';

export const NAMESPACE = '/tenant/group';

/** Milliseconds of the machine's own time: on a busy one much takes long, and what is in vain is told all the same. */
const PATIENCE = 50_000;

const quiet: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  debug: () => undefined,
  level: 'silent',
};

/** A running agent, with what it said. */
export interface Running {
  agent: Agent;
  said: string[];
  stop(): Promise<void>;
}

/** A control plane with one namespace, and agents beside it, all on one clock that moves only when told. */
export interface Stage {
  clock: MovedClock;
  plane: FakePlane;
  /** The agent's folder. */
  folder: string;
  client: Client;
  units: FoundUnit[];
  start(change?: Partial<AgentParts> & { verifyOnly?: boolean }): Running;
  /** Lets time pass, in polls, until it is so. */
  until(what: string, done: () => boolean | Promise<boolean>, step?: number): Promise<void>;
  enforcers(): Promise<Enforcer[]>;
  /** As an upgrade asks what the host is. */
  ask(enforcer: Enforcer, question: string): Promise<void>;
  leave(): Promise<void>;
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const place = mkdtempSync(join(tmpdir(), 'enforcer-agent-'));
  const clock = movedClock(new Date().toISOString());
  const port = await freePort();
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const open = (): Promise<ControlPlane> =>
    startControlPlane({
      data: join(place, 'data'),
      host: '127.0.0.1',
      port,
      log,
      clock: { now: clock.now, randomBytes: size => new Uint8Array(randomBytes(size)) },
    });
  let controlPlane: ControlPlane | undefined = await open();
  const credential = Credential.parse(JSON.parse(readFileSync(controlPlane.administrator, 'utf8')));
  const root = readFileSync(controlPlane.root);
  const client = adminClient(credential, clock);
  await client.call('createNamespace', { namespace: '/', body: { name: 'tenant', type: 'Tenant' } });
  await client.call('createNamespace', { namespace: '/tenant', body: { name: 'group', type: 'Group' } });
  const running: Running[] = [];
  const stage: Stage = {
    clock,
    plane: new FakePlane(),
    folder: join(place, 'agent'),
    client,
    units: [hostUnit({ name: 'host', fqdn: 'host.test', addresses: ['10.0.0.1'], tags: ['app=web'] })],
    start: ({ verifyOnly = false, ...change } = {}) => {
      const said: string[] = [];
      const stop = new AbortController();
      const agent = new Agent({
        client: credentialClient(credential, clock),
        api: credential.APIURL,
        namespace: NAMESPACE,
        machine: { name: 'host', machineID: 'machine-1' },
        root,
        folder: stage.folder,
        ...(verifyOnly ? {} : { plane: stage.plane }),
        clock,
        log: { ...quiet },
        say: text => said.push(text),
        findUnits: async () => stage.units,
        interval: 1000,
        layer3Only: false,
        beforePolicy: 'allow',
        once: false,
        cloud: false,
        ...change,
      });
      const ended = agent.run(stop.signal);
      const one: Running = {
        agent,
        said,
        stop: async () => {
          stop.abort();
          await ended;
        },
      };
      running.push(one);
      return one;
    },
    until: async (what, done, step = 1000) => {
      for (const deadline = Date.now() + PATIENCE; Date.now() < deadline; ) {
        await clock.pass(step);
        await new Promise(resolve => setTimeout(resolve, 15));
        if (await done()) return;
      }
      throw new Error(`waited for ${what}; ${JSON.stringify(running.at(-1)?.agent.status)}`);
    },
    enforcers: async () => (await client.call('listEnforcer', { namespace: NAMESPACE })).body,
    ask: async (enforcer, question) => {
      const { store } = controlPlane?.deps ?? {};
      const migration = Migration.parse({
        upgrade: question,
        collect: question,
        batch: 0,
        state: 'Pending',
        from: '',
        to: '',
      });
      const object = touch('enforcer', { ...enforcer, migration }, clock.now());
      await store?.commit([{ kind: 'update', resource: 'enforcer', object, seen: enforcer.updateTime }]);
    },
    leave: async () => {
      await controlPlane?.stop();
      controlPlane = undefined;
    },
    comeBack: async () => {
      controlPlane ??= await open();
    },
    close: async () => {
      for (const one of running) await one.stop();
      await controlPlane?.stop();
      rmSync(place, { recursive: true, force: true });
    },
  };
  return stage;
}
