import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { announce } from '../../../functions/events/announce.ts';
import { push, review } from '../../../functions/events/push.ts';
import { enter, said } from '../../../functions/listen.ts';
import { openConnections } from '../../../shared/adapters/local/connections.ts';
import { pushed } from '../../../shared/core/push.ts';
import type { Connections } from '../../../shared/ports/connections.ts';
import type { Credential } from '../../../shared/schema/appcredential.ts';
import type { NamespacePath } from '../../../shared/schema/ids.ts';
import { cpuTime } from '../../make/cpu-time.ts';
import { countingReads, type Reads } from '../../make/crowd.ts';
import { makeNetwork, nextID } from '../../make/objects.ts';
import { openPlane, type Plane } from '../../make/plane.ts';

/** Connections that write down what is sent over them, and what they were ended with. */
function recording() {
  const sent: [id: string, message: string][] = [];
  const ended: [id: string, reason: string][] = [];
  const local = openConnections();
  const connections: Connections = {
    ...local,
    send: async ({ id }, message) => {
      sent.push([id, String(message)]);
    },
    close: async (id, reason) => {
      ended.push([id, reason]);
      await local.remove(id);
    },
  };
  return { connections, sent, ended, stop: local.stop };
}

const reads: Reads = { calls: 0, objects: 0 };
let plane: Plane;
let tenant: NamespacePath;
let listener: ReturnType<typeof recording>;
beforeAll(async () => {
  listener = recording();
  plane = await openPlane(deps => ({
    ...deps,
    store: countingReads(deps.store, reads),
    connections: listener.connections,
  }));
  tenant = (await plane.tenant()) as NamespacePath;
});
afterAll(async () => {
  listener.stop();
  await plane.stop();
});

const viewer = () => plane.credential(tenant, ['namespace.viewer']);

async function listens(credential: Credential, more: Record<string, string> = {}): Promise<string> {
  const id = nextID();
  const query = new URLSearchParams({ token: await plane.token(credential), namespace: tenant, ...more });
  await enter({ id, query, header: () => undefined, address: '192.0.2.1' }, plane.deps);
  return id;
}

const created = (name: string) => {
  const change = {
    resource: 'externalnetwork',
    operation: 'create',
    after: makeNetwork(tenant, name),
  } as const;
  return pushed(change) ?? expect.fail('nothing to tell');
};

async function tell(...names: string[]): Promise<{ calls: number; heard: string[] }> {
  Object.assign(reads, { calls: 0, objects: 0 });
  listener.sent.length = 0;
  await push(names.map(created), plane.deps);
  const heard = listener.sent.map(([id, message]) => `${id} ${JSON.parse(message).entity.name}`);
  return { calls: reads.calls, heard };
}

describe('what a listener says', () => {
  it('is written down when it is something else than before', async () => {
    const id = await listens(await viewer());
    const written: string[] = [];
    const { change } = listener.connections;
    listener.connections.change = async (of, config) => {
      written.push(Object.keys(config.identities).join());
      return change(of, config);
    };
    for (const identity of ['namespace', 'namespace', 'enforcer', 'namespace'])
      await said(id, JSON.stringify({ identities: { [identity]: [] } }), plane.deps);
    expect(written).toEqual(['namespace', 'enforcer', 'namespace']);
    listener.connections.change = change;
    await listener.connections.remove(id);
  });
});

describe('telling', () => {
  it('reads for many listeners of a credential what it reads for one, and tells each in order', async () => {
    const credential = await viewer();
    const ids = [await listens(credential)];
    const one = await tell('a', 'b');
    while (ids.length < 50) ids.push(await listens(credential));
    const many = await tell('a', 'b');
    expect([many.calls, one.calls > 0]).toEqual([one.calls, true]);
    expect(many.heard.toSorted()).toEqual(ids.flatMap(id => [`${id} a`, `${id} b`]).toSorted());
    for (const id of ids) {
      expect(many.heard.filter(line => line.startsWith(id))).toEqual([`${id} a`, `${id} b`]);
      await listener.connections.remove(id);
    }
  });

  it('reads for another credential no more than that credential', async () => {
    const ids = [await listens(await viewer())];
    const { calls } = await tell('a');
    for (let others = 0; others < 5; others += 1) ids.push(await listens(await viewer()));
    expect((await tell('a')).calls).toBe(calls + 5);
    for (const id of ids) await listener.connections.remove(id);
  });

  it('keeps no right from one batch to the next', async () => {
    const [leaving, staying] = [await viewer(), await viewer()];
    const [gone, stays] = [await listens(leaving, { enableErrors: '' }), await listens(staying)];
    expect((await tell('before')).heard.toSorted()).toEqual([`${gone} before`, `${stays} before`].toSorted());
    const body = { disabled: true };
    const { status } = await plane.root(`PATCH /appcredentials/${leaving.ID}`, tenant, { body });
    expect(status).toBe(200);
    listener.ended.length = 0;
    await push([created('after')], plane.deps);
    expect(listener.sent.at(-1)).toEqual([stays, expect.stringContaining('"after"')]);
    expect(listener.sent.find(([id, text]) => id === gone && text.includes('was revoked'))).toBeDefined();
    expect(listener.ended).toEqual([[gone, expect.stringContaining('was revoked')]]);
    await listener.connections.remove(stays);
  });

  it('passes over what goes with a namespace that is hidden, without having heard that it was', async () => {
    const id = await listens(await viewer(), { mode: 'all' });
    const old = await plane.namespace(tenant, 'old');
    const inside = makeNetwork(old as NamespacePath, 'inside');
    const outside = makeNetwork(tenant, 'outside');
    const gone = [outside, inside].map(
      before => ({ resource: 'externalnetwork', operation: 'delete', before }) as const,
    );
    const heard = async (): Promise<string[]> => {
      listener.sent.length = 0;
      await push(
        gone.flatMap(change => pushed(change) ?? []),
        plane.deps,
      );
      return listener.sent.map(([, message]) => JSON.parse(message).entity.name);
    };
    const later = new Date(plane.clock.now().getTime() + 1).toISOString();
    for (const object of [inside, outside]) Object.assign(object, { createTime: later });
    expect(await heard()).toEqual(['outside', 'inside']);
    const found = await plane.root(`GET /namespaces?q=${encodeURIComponent(`name == ${old}`)}`, tenant);
    const [{ ID }] = JSON.parse(found.text);
    const { status } = await plane.root(`DELETE /namespaces/${ID}?recursive`, tenant);
    expect(status).toBeLessThan(300);
    expect(await heard()).toEqual(['outside']);
    await listener.connections.remove(id);
  });

  it('ends for whom an event could not be sent, who thereby knows, and goes on for the others', async () => {
    const [unlucky, other] = [await listens(await viewer()), await listens(await viewer())];
    const { send } = listener.connections;
    listener.connections.send = async (connection, message) => {
      if (connection.id === unlucky && String(message).includes('"a"')) throw new Error('throttled');
      return send(connection, message);
    };
    listener.ended.length = 0;
    const { heard } = await tell('a', 'b');
    listener.connections.send = send;
    expect(heard).toEqual([`${other} a`, `${other} b`]);
    expect(listener.ended).toEqual([[unlucky, expect.stringContaining('events were lost')]]);
    await listener.connections.remove(other);
  });

  /** Costs nearly all that a caller has, for a description as long as it may be. */
  const costly = (n: number) => `name == n${n} or description matches "(?i)\\pL*[aeiou]\\pL{480}[89]"`;
  const filtered = async (id: string, filter: string): Promise<void> =>
    said(id, JSON.stringify({ filters: { externalnetwork: filter } }), plane.deps);
  const described = (name: string) => {
    const after = { ...makeNetwork(tenant, name), description: `9${'aé'.repeat(511)}` };
    return pushed({ resource: 'externalnetwork', operation: 'create', after }) ?? expect.fail();
  };

  it('of one caller costs no more the more it listens: who asks for too much is told so and ended', async () => {
    const [greedy, modest] = [await viewer(), await viewer()];
    const ids: string[] = [];
    for (let at = 0; at < 60; at += 1) {
      const id = await listens(greedy);
      ids.push(id);
      await filtered(id, costly(at));
    }
    const other = await listens(modest);
    await filtered(other, 'description matches "^9"');
    listener.sent.length = 0;
    listener.ended.length = 0;
    const worked = cpuTime();
    await push([described('long')], plane.deps);
    expect(worked()).toBeLessThan(1500);
    expect(listener.sent.map(([id]) => id)).toEqual([other]);
    expect(new Set(listener.ended.map(([, reason]) => reason.replace(/^.*so many objects/, '')))).toEqual(
      new Set([' takes too long; listen to fewer resources, in fewer connections, or with shorter patterns']),
    );
    for (const id of [...ids, other]) await listener.connections.remove(id);
  });

  it('filters nothing that may not be heard, so that how long a filter takes tells nothing of it', async () => {
    const id = await listens(await plane.credential(tenant, ['system.viewer']));
    await filtered(id, costly(0).replace('name == n0 or', 'name == secret and'));
    listener.ended.length = 0;
    await push(
      Array.from({ length: 12 }, () => described('secret')),
      plane.deps,
    );
    expect(listener.ended).toEqual([]);
    await listener.connections.remove(id);
  });

  it('is over when the token is', async () => {
    const id = await listens(await viewer());
    listener.ended.length = 0;
    await review(plane.deps);
    expect(listener.ended).toEqual([]);
    plane.clock.advance(25 * 3600 * 1000);
    await review(plane.deps);
    expect(listener.ended).toEqual([[id, expect.stringContaining('has expired')]]);
  });
});

describe('queueing what listeners are told', () => {
  const queue = () => {
    const put: string[] = [];
    return {
      put,
      pushQueue: {
        put: async (of: NamespacePath, changes: readonly { object: object }[]) => {
          put.push(`${of} ${changes.length}`);
        },
      },
    };
  };
  const change = (namespace: NamespacePath) =>
    ({ resource: 'externalnetwork', operation: 'create', after: makeNetwork(namespace, 'n') }) as const;

  it('is done for tenants in which somebody listens, and for all when somebody listens in the root', async () => {
    const { connections, stop } = recording();
    const { put, pushQueue } = queue();
    const [one, other] = ['/one', '/other'] as NamespacePath[] as [NamespacePath, NamespacePath];
    const changes = [change(one), change(other), change(one)];
    const to = { connections, pushQueue, log: plane.deps.log };
    await announce(changes, to);
    expect(put).toEqual([]);
    const claims = { realm: 'certificate', sub: nextID(), namespace: one, exp: 0, data: {} };
    const base = { claims, address: '', recursive: true, config: {}, tellsErrors: false, since: '' };
    await connections.add({ ...base, id: '1', namespace: one } as never);
    await announce(changes, to);
    expect(put).toEqual(['/one 2']);
    await connections.add({ ...base, id: '2', namespace: '/' } as never);
    await announce(changes, to);
    expect(put.slice(1)).toEqual(['/one 2', '/other 1']);
    stop();
  });

  it('that fails is told in the log, and keeps nobody waiting', async () => {
    const { connections, stop } = recording();
    const failing = { isHeard: async () => Promise.reject(new Error('no table')) };
    const { pushQueue } = queue();
    const before = plane.errors.length;
    await announce([change(tenant)], {
      connections: { ...connections, ...failing },
      pushQueue,
      log: plane.deps.log,
    });
    expect(plane.errors.slice(before).map(({ message }) => message)).toEqual(['push events were lost']);
    stop();
  });
});
