import { describe, expect, it } from 'vitest';
import { cloudAccountCreated } from '../../../functions/events/cloud-account-created.ts';
import { cloudAccountOnboarded } from '../../../functions/events/cloud-account-onboarded.ts';
import type { CloudAccount } from '../../../shared/schema/cloudaccount.ts';
import { ROOT } from '../../../shared/schema/ids.ts';
import { make } from '../../make/objects.ts';
import { accountEvent, controlTowerEvent, tenantPath } from '../../make/onboarding.ts';

/** Workflows that only remember what they were asked to start. */
function recorder(defaultTenant = '') {
  const started = new Map<string, unknown>();
  const logged: string[] = [];
  const log = (message: string) => {
    logged.push(message);
  };
  const workflows = {
    start: async (_: string, name: string, input: unknown) => {
      const fresh = !started.has(name);
      if (fresh) started.set(name, input);
      return { started: fresh };
    },
  };
  return { started, logged, deps: { workflows, log: { info: log, warn: log, error: log }, defaultTenant } };
}

const detail = {
  prismaID: '826920578209172635',
  name: 'aws-dev',
  accountID: '826088932159',
  provider: 'aws',
};

describe('CloudAccountOnboarded', () => {
  it('starts the onboarding of its account in its tenant, traffic allowed unless it says otherwise', async () => {
    const { started, deps } = recorder();
    await cloudAccountOnboarded(accountEvent('e1', detail), deps);
    expect([...started.values()]).toEqual([
      {
        home: '/826920578209172635',
        account: {
          ...detail,
          defaultPUIncomingTrafficAction: 'Allow',
          defaultPUOutgoingTrafficAction: 'Allow',
        },
      },
    ]);
    expect([...started.keys()][0]).toMatch(/^826088932159-[0-9a-f]{64}$/);
  });

  it('names executions that Step Functions takes, one for each tenant, account and event', async () => {
    const { started, deps } = recorder();
    const variants = [
      ['e1', detail],
      ['e1', detail],
      ['e2', detail],
      ['e1', { ...detail, accountID: 'subscription_'.repeat(8) }],
      ['e1', { ...detail, prismaID: 'other' }],
    ] as const;
    for (const [id, said] of variants) await cloudAccountOnboarded(accountEvent(id, said), deps);
    expect(started.size).toBe(4);
    for (const name of started.keys()) expect(name).toMatch(/^[A-Za-z0-9_-]{1,80}$/);
  });

  it.each([
    ['an unknown field', { ...detail, extra: 1 }],
    ['a name that no namespace can have', { ...detail, name: 'a b' }],
    ['a tenant with a slash', { ...detail, prismaID: 'a/b' }],
    ['no tenant', { ...detail, prismaID: '' }],
    ['a cloud that there is not', { ...detail, provider: 'oracle' }],
  ])('is refused with %s', async (_, said) => {
    const { started, deps } = recorder();
    await expect(cloudAccountOnboarded(accountEvent('e1', said), deps)).rejects.toMatchObject({
      kind: 'invalid',
    });
    expect(started.size).toBe(0);
  });

  it('is told from what is no event of an account', async () => {
    const { deps } = recorder();
    const other = { ...accountEvent('e1', detail), 'detail-type': 'CloudAccountReady' };
    for (const event of [other, null, 'x', {}]) {
      await expect(cloudAccountOnboarded(event, deps)).rejects.toMatchObject({ kind: 'invalid' });
    }
  });
});

describe("AWS Control Tower's CreateManagedAccount", () => {
  const account = { accountName: 'LifeCycle1', accountId: '121212121212' };

  it('starts the onboarding in the default tenant', async () => {
    const { started, deps } = recorder('826920578209172635');
    await cloudAccountOnboarded(controlTowerEvent('ct', account), deps);
    expect([...started.values()]).toEqual([
      {
        home: '/826920578209172635',
        account: expect.objectContaining({ name: 'LifeCycle1', accountID: '121212121212', provider: 'aws' }),
      },
    ]);
  });

  it.each([
    ['Sandbox  (EU) #1', 'Sandbox-EU-1'],
    ['Größe', 'Gr-e'],
    ['a/b_c-d', 'a-b_c-d'],
    ['x'.repeat(200), 'x'.repeat(128)],
  ])('makes the account name `%s` into `%s`', async (accountName, name) => {
    const { started, deps } = recorder('t');
    await cloudAccountOnboarded(controlTowerEvent('ct', { ...account, accountName }), deps);
    expect([...started.values()]).toEqual([
      expect.objectContaining({ account: expect.objectContaining({ name }) }),
    ]);
  });

  it.each([
    ['FAILED', 't'],
    ['SUCCEEDED', ''],
  ] as const)('is logged and left with state %s and default tenant `%s`', async (state, tenant) => {
    const { started, logged, deps } = recorder(tenant);
    await cloudAccountOnboarded(controlTowerEvent('ct', account, state), deps);
    expect(started.size).toBe(0);
    expect(logged).toEqual(['account of AWS Control Tower left alone']);
  });
});

describe('a cloud account that was created', () => {
  const created = (namespace: ReturnType<typeof tenantPath>, more: Partial<CloudAccount> = {}) => ({
    resource: 'cloudaccount' as const,
    operation: 'create' as const,
    after: { ...make('cloudaccount', namespace, { name: 'n', accountID: '1', provider: 'gcp' }), ...more },
  });

  it('starts its onboarding where it lives, for the tenant it lives in or names', async () => {
    const { started, deps } = recorder();
    await cloudAccountCreated([created(tenantPath('t')), created(ROOT, { prismaID: 'p' })], deps);
    expect([...started.values()]).toEqual([
      expect.objectContaining({
        home: '/t',
        account: expect.objectContaining({ prismaID: 't', provider: 'gcp' }),
      }),
      expect.objectContaining({ home: '/', account: expect.objectContaining({ prismaID: 'p' }) }),
    ]);
  });

  it('starts nothing for a repeated change, another status, an update, or another resource', async () => {
    const { started, deps } = recorder();
    const once = created(tenantPath('t'));
    const profile = { ...once, resource: 'enforcerprofile' as const };
    await cloudAccountCreated([once, once], deps);
    await cloudAccountCreated(
      [created(tenantPath('t'), { status: 'Onboarding' }), { ...once, operation: 'update' }, profile],
      deps,
    );
    expect(started.size).toBe(1);
  });
});
