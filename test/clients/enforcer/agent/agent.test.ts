import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readStatus } from '../../../../clients/enforcer/agent/status.ts';
import { hostUnit } from '../../../../clients/enforcer/agent/units.ts';
import type { Log } from '../../../../clients/enforcer/log.ts';
import { Names } from '../../../../clients/enforcer/names/names.ts';
import { NAMESPACE, openStage, type Running, type Stage } from './stage.ts';

const DAY = 24 * 3600_000;

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

const holds = ({ agent }: Running) => agent.holding.active;

async function startedAndHolding(change = {}): Promise<Running> {
  const running = stage.start(change);
  await stage.until('the first policy with its unit', () => (holds(running)?.units.length ?? 0) > 0);
  return running;
}

const ruleset = (name: string) => ({
  name,
  subject: [['app=web']],
  incomingRules: [{ action: 'Allow', object: [['app=db']], protocolPorts: ['tcp/80'] }],
});

const profile = async (staleAction: 'hold' | 'lockdown') => {
  await stage.client.call('createEnforcerprofile', {
    namespace: NAMESPACE,
    body: { name: 'p', associatedTags: ['profile=p'], staleAction, maxStale: '24h' },
  });
  await stage.client.call('createEnforcerprofilemappingpolicy', {
    namespace: NAMESPACE,
    body: { name: 'm', subject: [['$identity=enforcer']], object: [['profile=p']] },
  });
};

test('what is acknowledged is enforced, and reported with the digest that was read back', async () => {
  const running = await startedAndHolding();
  await stage.client.call('createNetworkrulesetpolicy', { namespace: NAMESPACE, body: ruleset('web') });
  await stage.until('the ruleset', () => stage.plane.holds?.payloads['policy.json'].rulesets.length === 1);
  await stage.until('the report', async () => {
    const [enforcer] = await stage.enforcers();
    const { content, digest } = holds(running) ?? {};
    const { revision, digests } = content ?? {};
    const wanted = { revision, state: 'applied', reason: '', digest, policy: digests?.['policy.json'] };
    return JSON.stringify(enforcer?.bundle) === JSON.stringify(wanted);
  });
  expect((await stage.enforcers())[0]).toMatchObject({
    enforcementStatus: 'Active',
    operationalStatus: 'Connected',
  });
});

test('the host’s unit is reported with tags and addresses, kept up to date, and others come and go', async () => {
  await startedAndHolding({ cgroupAt: (path: string) => path });
  const listed = async () =>
    (await stage.client.call('listProcessingunit', { namespace: NAMESPACE })).body.map(unit => ({
      name: unit.name,
      type: unit.type,
      tags: unit.associatedTags,
      addresses: unit.addresses,
    }));
  const host = { name: 'host', type: 'Host', addresses: ['10.0.0.1'] };
  const tags = ['app:host:fqdn=host.test', 'app:host:type=linux', 'app=web'];
  expect(await listed()).toEqual([{ ...host, tags }]);
  const moved = hostUnit({ name: 'host', fqdn: 'host.test', addresses: ['10.0.0.9'], tags: ['app=web'] });
  const more = {
    localID: 'file:x',
    name: 'x',
    type: 'LinuxService' as const,
    tags: [],
    addresses: [],
    cgroup: 'x',
  };
  stage.units = [moved, more];
  await stage.until('the second unit', () => stage.plane.holds?.units.length === 2, 10_000);
  expect(stage.plane.holds?.units.map(({ isHost, cgroup }) => [isHost, cgroup])).toEqual([
    [true, undefined],
    [false, 'x'],
  ]);
  expect((await listed())[0]).toEqual({ ...host, tags, addresses: ['10.0.0.9'] });
  stage.units = [moved];
  await stage.until('one unit', () => stage.plane.holds?.units.length === 1, 10_000);
  expect(await listed()).toHaveLength(1);
});

test('a policy that can’t be enforced is refused with its reason, and the last good one stays until it can', async () => {
  const running = await startedAndHolding();
  const before = stage.plane.holds;
  const refusal = { outcome: 'refused', reason: 'rejected_by_kernel', detail: 'no memory' } as const;
  stage.plane.refusals.push(refusal, refusal, refusal);
  await stage.client.call('createNetworkrulesetpolicy', { namespace: NAMESPACE, body: ruleset('web') });
  await stage.until('the refusal', async () => (await stage.enforcers())[0]?.bundle?.state === 'refused');
  expect((await stage.enforcers())[0]?.bundle?.reason).toBe('rejected_by_kernel: no memory');
  expect(stage.plane.holds).toBe(before);
  expect(running.agent.status.refused?.reason).toBe('rejected_by_kernel');
  await stage.until('the new policy', () => stage.plane.holds !== before, 10_000);
  await stage.until('the report', async () => (await stage.enforcers())[0]?.bundle?.state === 'applied');
  expect(running.agent.status.refused).toBeUndefined();
});

test('a machine that registers again is the same enforcer; one whose object was deleted becomes another', async () => {
  const first = await startedAndHolding();
  const [known] = await stage.enforcers();
  await first.stop();
  expect((await stage.enforcers())[0]?.operationalStatus).toBe('Disconnected');
  await startedAndHolding();
  expect((await stage.enforcers()).map(({ ID }) => ID)).toEqual([known?.ID]);
  await stage.client.call('deleteEnforcer', { namespace: NAMESPACE, params: { id: known?.ID ?? '' } });
  await stage.until('the new object', async () => (await stage.enforcers()).length === 1, 10_000);
});

test('a restart holds from disk what was held, with the control plane away, and only root may read it', async () => {
  const first = await startedAndHolding();
  const digest = holds(first)?.digest;
  await first.stop();
  await stage.leave();
  stage.plane.holds = undefined;
  const second = stage.start();
  await stage.until('the policy', () => holds(second) !== undefined);
  expect([holds(second)?.digest, second.said[0]]).toEqual([digest, expect.stringContaining('from disk')]);
  expect(stage.plane.holds).toMatchObject({ units: [{ isHost: true }] });
  const files = readdirSync(stage.folder, { recursive: true, encoding: 'utf8' }).map(name =>
    join(stage.folder, name),
  );
  for (const file of files) expect(statSync(file).mode & 0o077, file).toBe(0);
});

test('rules that somebody else took away are mended at once', async () => {
  const running = await startedAndHolding();
  stage.plane.flush();
  await new Promise(resolve => setTimeout(resolve, 20));
  expect(stage.plane.holds).toBeDefined();
  expect(running.agent.status).toMatchObject({ mended: 1, reconciled: { difference: 'the table is gone' } });
});

test.each([-3 * DAY, 3 * DAY])('the wall clock jumps by %d ms: what holds goes on to hold', async jump => {
  await profile('lockdown');
  const running = await startedAndHolding();
  await stage.until('the profile', () => holds(running)?.profile === 'p');
  const revision = holds(running)?.content.revision ?? 0;
  stage.clock.jump(jump);
  // Forward: the bundle looks old, and the profile has the last word until the clock is right. Back: nothing is stale.
  if (jump > 0) await stage.until('the lockdown', () => stage.plane.holds?.lockdown === true);
  for (let round = 0; round < 20; round++) await stage.clock.pass(1000);
  expect(stage.plane.holds?.lockdown).toBe(jump > 0);
  expect(holds(running)?.content.revision).toBeGreaterThanOrEqual(revision);
  stage.clock.jump(-jump);
  await stage.until('the end of it', () => stage.plane.holds?.lockdown === false, 10_000);
});

test.each(['bundle.json', 'policy.json', 'peers.json', 'host.json', 'status.json'])(
  'a damaged %s is fetched again, and the agent never stops',
  async name => {
    const first = await startedAndHolding();
    await first.stop();
    const files = readdirSync(stage.folder, { recursive: true, encoding: 'utf8' }).filter(file =>
      file.endsWith(name),
    );
    expect(files).toHaveLength(1);
    for (const damage of ['', '{"version":1', '\0\0\0\0']) {
      writeFileSync(join(stage.folder, files[0] ?? ''), damage);
      const running = await startedAndHolding();
      await stage.until('contact', () => running.agent.status.lastContact !== undefined);
      expect(running.agent.status.troubles.cache).toBeUndefined();
      await running.stop();
    }
    const last = stage.start();
    await stage.until('the policy', () => holds(last) !== undefined);
    expect(last.said[0]).toContain('from disk');
  },
);

test('a file tells what holds', async () => {
  const running = await startedAndHolding();
  await stage.until(
    'the status',
    () => readStatus(join(stage.folder, 'status.json'))?.active?.units === 1,
    10_000,
  );
  expect(readStatus(join(stage.folder, 'status.json'))).toMatchObject({
    enforces: true,
    active: { digest: holds(running)?.digest, lockdown: false },
    troubles: {},
  });
});

test('without a data plane bundles are verified, nothing is enforced and no unit is spoken for', async () => {
  const running = stage.start({ once: true, verifyOnly: true });
  await stage.until('the end', () => running.said.some(text => text.startsWith('verified revision')));
  await running.stop();
  expect(stage.plane.applied).toEqual([]);
  const [enforcer] = await stage.enforcers();
  expect(enforcer).toMatchObject({ enforcementStatus: 'Inactive', bundle: { state: 'applied', digest: '' } });
  expect((await stage.client.call('listProcessingunit', { namespace: NAMESPACE })).body).toEqual([]);
});

test.each([true, false])(
  'each revision is told once, with the digests of what was taken, whatever is logged (verifying only: %s)',
  async verifyOnly => {
    const logged: string[] = [];
    const note = (_: object, message: string): void => void logged.push(message);
    const log: Log = { info: note, warn: note, error: note, debug: note, level: 'debug' };
    const running = stage.start({ verifyOnly, log });
    const told = () => running.said.filter(text => /^(verified|enforces) revision/.test(text));
    await stage.until('the first', () => told().length > 0);
    await stage.client.call('createNetworkrulesetpolicy', { namespace: NAMESPACE, body: ruleset('web') });
    await stage.until('the second', () => told().length > 1);
    const { content, digest } = holds(running) ?? {};
    const what = verifyOnly ? '' : `, rules ${digest}`;
    expect(told().at(-1)).toMatch(
      new RegExp(
        `revision ${content?.revision} of .*; policy sha256 ${content?.digests['policy.json']}${what}\\)$`,
      ),
    );
    expect(told()).toHaveLength(new Set(told()).size);
    expect(logged.filter(text => told().includes(text))).toEqual([]);
  },
);

test('where names lead to is part of the policy as soon as it is known, and is kept for a start without network', async () => {
  const names = () =>
    new Names({
      clock: stage.clock,
      resolve: async name => (name === 'www.example.com' ? [{ address: '192.0.2.80', ttl: 60 }] : []),
      inUse: async () => new Set(),
    });
  const first = await startedAndHolding({ names: names() });
  await stage.client.call('createExternalnetwork', {
    namespace: NAMESPACE,
    body: { name: 'www', entries: ['www.example.com'], associatedTags: ['externalnetwork:name=www'] },
  });
  const wanted = new Map([['www.example.com', ['192.0.2.80']]]);
  await stage.until('the name', () => stage.plane.holds?.names.size === 1);
  expect(stage.plane.holds?.names).toEqual(wanted);
  await first.stop();
  await stage.leave();
  const second = stage.start();
  await stage.until('the policy', () => holds(second) !== undefined);
  expect(holds(second)?.names).toEqual(wanted);
});

test('no policy is taken before it is known whom it is for: it would shut nothing out, and be told as enforced', async () => {
  let away = true;
  const findUnits = async () => {
    if (away) throw new Error('the file of units is damaged');
    return stage.units;
  };
  const running = stage.start({ findUnits });
  await stage.until('the trouble', () => running.agent.status.troubles.units !== undefined);
  for (let round = 0; round < 5; round++) await stage.clock.pass(1000);
  expect([holds(running), stage.plane.applied, (await stage.enforcers())[0]?.bundle]).toEqual([
    undefined,
    [],
    undefined,
  ]);
  expect(running.agent.status.before).toBe('allow');
  away = false;
  await stage.until('the policy', () => holds(running)?.units.length === 1, 10_000);
  expect(stage.plane.applied[0]?.units).toHaveLength(1);
});

test('with --before-policy reject a host is shut until its first policy, and what is shut is mended', async () => {
  await stage.leave();
  const running = stage.start({ beforePolicy: 'reject' });
  await stage.until('the lockdown', () => stage.plane.holds?.lockdown === true);
  expect(running.agent.status).toMatchObject({ before: 'reject' });
  const { controlPlane } = stage.plane.holds?.infrastructure ?? {};
  expect(controlPlane).toEqual([{ address: '127.0.0.1', port: expect.any(Number) }]);
  stage.plane.flush();
  await stage.until('the mending', () => stage.plane.holds?.lockdown === true);
  expect(running.agent.status.mended).toBe(1);
  await stage.comeBack();
  await stage.until('the policy', () => holds(running)?.units.length === 1, 10_000);
  expect(stage.plane.holds?.lockdown).toBe(false);
  await running.stop();
  await stage.leave();
  const before = stage.plane.applied.length;
  const second = stage.start({ beforePolicy: 'reject' });
  await stage.until('the policy from disk', () => holds(second) !== undefined);
  expect(stage.plane.applied.slice(before).map(({ lockdown }) => lockdown)).not.toContain(true);
});

test('without a policy, and without a word about it, nothing is done to the host', async () => {
  await stage.leave();
  const running = stage.start();
  await stage.until('the trouble', () => running.agent.status.troubles.registration !== undefined);
  expect([stage.plane.applied, running.agent.status.before]).toEqual([[], 'allow']);
});

test('the bundle of another namespace is not followed, whoever names it', async () => {
  await stage.client.call('createNamespace', {
    namespace: '/tenant',
    body: { name: 'other', type: 'Group' },
  });
  const other = '/tenant/other';
  const machine = { name: 'neighbour', machineID: 'machine-2' };
  const { body } = await stage.client.call('createEnforcer', {
    namespace: other,
    body: { FQDN: 'neighbour', ...machine },
  });
  const running = stage.start({
    client: {
      ...stage.client,
      call: ((operation, request) =>
        operation === 'createEnforcerCredentials'
          ? stage.client.call(operation, { namespace: other, params: { id: body.ID } })
          : stage.client.call(operation, request)) as typeof stage.client.call,
    },
  });
  await stage.until('the trouble', () => running.agent.status.troubles.polling !== undefined);
  expect(running.agent.status.troubles.polling?.detail).toContain(
    'the control plane names the bundle of /tenant/other, and this enforcer is of /tenant/group',
  );
  expect(holds(running)).toBeUndefined();
});

test('a namespace that was deleted and made again is followed like a new one', async () => {
  const running = await startedAndHolding();
  for (const name of ['a', 'b', 'c']) {
    const before = holds(running)?.content.revision ?? 0;
    await stage.client.call('createNetworkrulesetpolicy', { namespace: NAMESPACE, body: ruleset(name) });
    await stage.until('the revision', () => (holds(running)?.content.revision ?? 0) > before);
  }
  const { body } = await stage.client.call('listNamespace', { namespace: '/tenant' });
  const { ID: id = '' } = body.find(({ name }) => name === NAMESPACE) ?? {};
  await stage.client.call('deleteNamespace', {
    namespace: '/tenant',
    params: { id },
    query: { recursive: true },
  });
  await stage.until('the namespace to go', async () => {
    const { body: left } = await stage.client.call('listNamespace', { namespace: '/tenant' });
    return left.every(({ name }) => name !== NAMESPACE);
  });
  await stage.client.call('createNamespace', {
    namespace: '/tenant',
    body: { name: 'group', type: 'Group' },
  });
  await stage.client.call('createNetworkrulesetpolicy', { namespace: NAMESPACE, body: ruleset('new') });
  await stage.until(
    'the new policy',
    () => stage.plane.holds?.payloads['policy.json'].rulesets[0]?.name === 'new',
    10_000,
  );
});

test('a namespace that is only said to be a later one lowers nothing, and is forgotten', async () => {
  const first = await startedAndHolding();
  await first.stop();
  let lie: string | undefined = 'f'.repeat(24);
  const running = stage.start({
    client: {
      ...stage.client,
      call: (async (operation, request) => {
        const answer = await stage.client.call(operation, request);
        return operation === 'createEnforcerCredentials' && lie !== undefined
          ? { ...answer, body: { ...(answer.body as object), namespaceID: lie } }
          : answer;
      }) as typeof stage.client.call,
    },
  });
  await stage.until('the refusal', () => running.agent.status.refused?.reason === 'wrong_binding');
  expect(running.agent.holding.trusted).toEqual(first.agent.holding.trusted);
  expect(holds(running)?.content.revision).toBe(holds(first)?.content.revision);
  lie = undefined;
  await stage.client.call('createNetworkrulesetpolicy', { namespace: NAMESPACE, body: ruleset('true') });
  await stage.until(
    'the truth',
    () => holds(running)?.content.payloads['policy.json'].rulesets[0]?.name === 'true',
    10 * 60_000,
  );
});

test('what was verified from another root of trust is not held', async () => {
  const first = await startedAndHolding();
  await first.stop();
  const second = stage.start({ root: Buffer.from('another installation') });
  await stage.until('the refusal', () => second.agent.status.refused !== undefined);
  expect([holds(second), second.said.filter(text => text.includes('from disk'))]).toEqual([undefined, []]);
});

test('nobody is led back to a namespace that was there before', async () => {
  const first = await startedAndHolding();
  await first.stop();
  const older = '0'.repeat(24);
  const running = stage.start({
    client: {
      ...stage.client,
      call: (async (operation, request) => {
        const answer = await stage.client.call(operation, request);
        return operation === 'createEnforcerCredentials'
          ? { ...answer, body: { ...(answer.body as object), namespaceID: older } }
          : answer;
      }) as typeof stage.client.call,
    },
  });
  await stage.until('the trouble', () => running.agent.status.troubles.polling !== undefined);
  expect(running.agent.status.troubles.polling?.detail).toMatch(
    /0{24} is older than [0-9a-f]{24}, which was/,
  );
  expect(holds(running)?.content.revision).toBe(holds(first)?.content.revision);
});
