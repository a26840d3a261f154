import { expect, test } from 'vitest';
import {
  decideFromBundles,
  type Enforcing,
  enforceAll,
  onboard,
  pollUntil,
  registerUnits,
  type Stage,
  startEnforcers,
  writePolicy,
} from '../../local/play.ts';
import { ACCOUNTS, accountPath, FLOWS, groupPath, TENANT } from '../../local/scenario.ts';
import type { ProcessingUnit } from '../../shared/schema/processingunit.ts';

const tenant = `/${TENANT}`;

/**
 * The main job, whatever it stands on: accounts are onboarded, policy is written, enforcers hold verified bundles and
 * decide by them, and a change reaches them. The tests run in order, each on what the one before left.
 */
export function mainJob(stage: () => Stage, beforePolls: () => Promise<void> = async () => {}): void {
  let units: ProcessingUnit[] = [];
  let enforcing: Enforcing[] = [];

  test('three accounts become three trees, once each, however often they are announced', async () => {
    await onboard(stage());
    const { client } = stage();
    const { body } = await client.call('listNamespace', { namespace: tenant, query: { recursive: true } });
    const wanted = ACCOUNTS.flatMap(account => [accountPath(account), groupPath(account)]);
    expect(body.map(({ name }) => name).sort()).toEqual(wanted.sort());
    const profiles = await client.call('listEnforcerprofile', {
      namespace: tenant,
      query: { recursive: true },
    });
    expect(profiles.body.map(({ namespace }) => namespace).sort()).toEqual(ACCOUNTS.map(accountPath).sort());
  });

  test('enforcers hold a verified bundle with the policy that was written before', async () => {
    await writePolicy(stage());
    units = await registerUnits(stage());
    await beforePolls();
    enforcing = await startEnforcers(stage());
    for (const { payloads } of enforcing) {
      expect(payloads['policy.json'].rulesets.map(({ name }) => name).sort()).toEqual(['db', 'web']);
    }
  });

  test('in discovery mode what no rule rejects is allowed', () => {
    for (const flow of FLOWS) {
      const sides = decideFromBundles(flow, units, enforcing);
      expect(sides.length).toBeGreaterThan(0);
      const byRule = sides.some(side => side.verdict === 'reject' && 'rule' in side.by);
      expect(sides.some(side => side.verdict === 'reject')).toBe(byRule);
    }
  });

  test('when discovery ends, each flow is decided as wanted', async () => {
    await enforceAll(stage());
    for (const host of enforcing) {
      await pollUntil(host, 'enforcement', payloads =>
        payloads['policy.json'].namespaces.every(
          ({ incoming, outgoing }) => incoming.action === 'Reject' && outgoing.action === 'Reject',
        ),
      );
    }
    const verdicts = FLOWS.map(flow => {
      const rejected = decideFromBundles(flow, units, enforcing).some(side => side.verdict === 'reject');
      return { ...flow, wanted: rejected ? 'reject' : 'allow' };
    });
    expect(verdicts).toEqual(FLOWS);
  });

  test('a poll without news is answered 304, and a new peer comes with the next revision', async () => {
    const [host] = enforcing.filter(({ name }) => name === 'host-db');
    if (!host) throw new Error('the scenario has a host-db');
    expect(await host.poller.poll()).toEqual({ outcome: 'unchanged' });
    const before = host.revision;
    const web = units.find(({ name }) => name === 'web-1');
    await stage().client.call('createProcessingunit', {
      namespace: web?.namespace ?? '',
      body: { name: 'web-2', type: 'Host', addresses: ['10.1.0.11'], associatedTags: ['app=web'] },
    });
    await pollUntil(host, 'the new peer', payloads =>
      payloads['peers.json'].identities.some(({ addresses }) => addresses.includes('10.1.0.11')),
    );
    expect(host.revision).toBeGreaterThan(before);
  });

  test('a change that a namespace cannot see does not reach it', async () => {
    const [web] = enforcing.filter(({ name }) => name === 'host-web');
    const [db] = enforcing.filter(({ name }) => name === 'host-db');
    if (!web || !db) throw new Error('the scenario has two hosts');
    const revision = db.revision;
    await stage().client.call('createNetworkrulesetpolicy', {
      namespace: web.namespace,
      body: { name: 'only here', subject: [['app=web']], incomingRules: [{ object: [['app=report']] }] },
    });
    await pollUntil(web, 'the new ruleset', payloads =>
      payloads['policy.json'].rulesets.some(({ name }) => name === 'only here'),
    );
    await beforePolls();
    expect(await db.poller.poll()).toEqual({ outcome: 'unchanged' });
    expect(db.revision).toBe(revision);
  });
}
