import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hostUnit } from '../../clients/enforcer/agent/units.ts';
import { Names } from '../../clients/enforcer/names/names.ts';
import { connectedAddresses, dnsResolve } from '../../clients/enforcer/names/system.ts';
import { openDataPlane } from '../../clients/enforcer/nft/plane.ts';
import { type Network, openNetwork } from '../../local/hosts/network.ts';
import type { Client } from '../../shared/api/client.ts';
import { openStage, NAMESPACE as STAGED, type Stage } from '../clients/enforcer/agent/stage.ts';
import { enforcing, type Fleet, NAMESPACE, openFleet, type RealAgent } from './fleet.ts';
import { type DnsServer, openDns, type Zone } from './hosts/dns.ts';
import { openDnsHere } from './hosts/dns-here.ts';
import { openProbes, type Probes } from './hosts/probes.ts';
import { openTalker, type Talker } from './hosts/talk.ts';
import { until } from './until.ts';

const [WEB, RESOLVER] = ['10.0.0.1', '10.0.0.53'];
const SERVICES = ['203.0.113.1', '203.0.113.2', '203.0.113.3', '203.0.113.4'];
const [FIRST = '', SECOND = '', THIRD = '', FOURTH = ''] = SERVICES;
const PORT = 443;

const leads = (...addresses: string[]) => ({ addresses, ttl: 5 });

/** `web` may open connections to port 443 of whatever these names lead to, and to nothing else. */
async function allowNames(client: Client, namespace: string, entries: readonly string[]): Promise<void> {
  await client.call('createExternalnetwork', {
    namespace,
    body: { name: 'api', entries, associatedTags: ['externalnetwork:name=api'] },
  });
  await client.call('createNetworkrulesetpolicy', {
    namespace,
    body: {
      name: 'web',
      subject: [['app=web']],
      outgoingRules: [
        { action: 'Allow', object: [['externalnetwork:name=api']], protocolPorts: [`tcp/${PORT}`] },
      ],
    },
  });
}

/** Of the services, these are reached. */
const expectReached = async (probes: Probes, expected: readonly string[]): Promise<void> => {
  const wanted = SERVICES.map(to => ({
    from: WEB,
    to,
    traffic: { kind: 'ports', protocol: 6, port: PORT } as const,
  }));
  const seen = await probes.send(wanted, at => ({ arrived: expected.includes(SERVICES[at] ?? '') }));
  expect(SERVICES.filter((_, at) => seen[at]?.arrived)).toEqual(expected);
};

describe('names that a policy spells out', () => {
  let network: Network;
  let probes: Probes;
  let talkers: Talker[];
  let stage: Stage;
  let dns: Awaited<ReturnType<typeof openDnsHere>>;

  beforeAll(async () => {
    network = await openNetwork([
      { name: 'web', addresses: [WEB] },
      { name: 'services', addresses: SERVICES },
    ]);
    probes = await openProbes(network);
    talkers = [await openTalker(network.host('web')), await openTalker(network.host('services'))];
    await talkers[1]?.ask({ kind: 'listen', port: PORT });
    dns = await openDnsHere();
    stage = await openStage();
    stage.units = [hostUnit({ name: 'web', fqdn: 'web.test', addresses: [WEB], tags: ['app=web'] })];
  });
  afterAll(async () => {
    await stage?.close();
    await dns?.close();
    for (const talker of talkers ?? []) await talker.close();
    await probes?.close();
    await network?.close();
  });

  const echoes = async (): Promise<number> =>
    (await talkers[0]?.ask({ kind: 'report' }))?.reduce((sum, { echoed }) => sum + echoed, 0) ?? 0;

  test('follow the resolver’s answers by their time, and old answers are kept while a flow uses them', async () => {
    await allowNames(stage.client, STAGED, ['api.example.com']);
    dns.serve({ 'api.example.com': { addresses: [FIRST, SECOND], ttl: 60 } });
    const { enter } = network.host('web');
    const names = new Names({
      clock: stage.clock,
      resolve: dnsResolve([dns.address]),
      inUse: connectedAddresses(enter),
    });
    const running = stage.start({ plane: openDataPlane({ command: [...enter, 'nft'] }), names });
    const active = () => running.agent.holding.active;
    await stage.until('the names', () => active()?.names.get('api.example.com')?.length === 2);
    await expectReached(probes, [FIRST, SECOND]);
    await talkers[0]?.ask({ kind: 'open', protocol: 'tcp', to: FIRST, port: PORT, every: 20 });
    await until('the flow', async () => (await echoes()) > 5);

    // Another answer: not before the time of the last one is over.
    dns.serve({ 'api.example.com': { addresses: [THIRD], ttl: 60 } });
    const asked = dns.asked();
    for (let second = 0; second < 30; second++) await stage.clock.pass(1000);
    expect(dns.asked()).toBe(asked);
    await stage.until(
      'the new answer',
      () => active()?.names.get('api.example.com')?.includes(THIRD) ?? false,
    );
    // Applications remember answers too: for two minutes nothing that was answered is refused.
    await expectReached(probes, [FIRST, SECOND, THIRD]);

    // Then only where a flow goes on. What the probes left behind is no flow of an application.
    for (const address of [SECOND, THIRD])
      await network
        .host('web')
        .run('conntrack', ['-D', '-d', address])
        .catch(() => undefined);
    await stage.until(
      'the old answer to go',
      () => !active()?.names.get('api.example.com')?.includes(SECOND),
    );
    await expectReached(probes, [FIRST, THIRD]);
    const before = await echoes();
    await until('the flow to go on', async () => (await echoes()) > before + 5);

    // And when it has ended, no more.
    await talkers[0]?.ask({ kind: 'stop' });
    await network
      .host('web')
      .run('conntrack', ['-D', '-d', FIRST])
      .catch(() => undefined);
    await stage.until(
      'the last old answer to go',
      () => active()?.names.get('api.example.com')?.length === 1,
    );
    await expectReached(probes, [THIRD]);

    // A resolver that fails takes nothing away.
    await dns.close();
    for (let minute = 0; minute < 30; minute++) await stage.clock.pass(60_000);
    await expectReached(probes, [THIRD]);
  });
});

describe('names below a wildcard', () => {
  let fleet: Fleet;
  let probes: Probes;
  let services: Talker;
  let dns: DnsServer;
  let web: RealAgent;

  const ZONE: Zone = {
    'a.cdn.example.com': { alias: 'edge.example.net', ttl: 5 },
    'edge.example.net': leads(FIRST),
    'b.cdn.example.com': leads(SECOND),
    'www.example.com': leads(THIRD),
    'rebound.cdn.example.com': leads(RESOLVER, '169.254.169.254', '127.0.0.1'),
  };

  beforeAll(async () => {
    fleet = await openFleet([
      { name: 'web', addresses: [WEB], tags: ['app=web'], resolver: RESOLVER },
      { name: 'resolver', addresses: [RESOLVER], tags: [] },
      { name: 'services', addresses: SERVICES, tags: [] },
    ]);
    probes = await openProbes(fleet.network);
    services = await openTalker(fleet.network.host('services'));
    await services.ask({ kind: 'listen', port: PORT });
    dns = await openDns(fleet.network.host('resolver'), [RESOLVER]);
    await dns.serve(ZONE);
    await allowNames(fleet.client, NAMESPACE, ['*.cdn.example.com']);
    web = await fleet.start('web');
    await enforcing(web);
    await until('the readers', () => (web.status()?.flows ? true : undefined));
    // The reader itself takes a moment to begin.
    await until('names to be heard', async () =>
      (await dial('b.cdn.example.com', 4000)).includes('connected'),
    );
  });
  beforeEach(() => dns.serve(ZONE));
  afterAll(async () => {
    await services?.close();
    await dns?.close();
    await probes?.close();
    await fleet?.close();
  });

  /** Runs a script on the host, as a program of its own, with the host's resolver. */
  const program = async (script: string, ...argv: string[]): Promise<string> => {
    const [first, ...rest] = [...fleet.beside('web'), process.execPath, '-e', script, ...argv];
    return (await promisify(execFile)(first, rest)).stdout.trim();
  };

  /** Looks a name up as the system does, and connects; gives up after so many milliseconds. */
  const dial = (name: string, patience = 30_000): Promise<string> =>
    program(
      `const begun = Date.now();
       const done = text => { console.log(text, Date.now() - begun); process.exit(); };
       setTimeout(done, ${patience}, 'no connection');
       require('node:net').connect({ host: process.argv[1], port: ${PORT}, autoSelectFamily: false })
         .on('connect', () => done('connected')).on('error', error => done(error.message));`,
      name,
    );

  test('nothing is let through that no program was told of', async () => {
    await expectReached(probes, [SECOND]);
  });

  test('a program that asks for one gets through to where it was told, over aliases, and others do too', async () => {
    const said = await dial('a.cdn.example.com');
    console.log(`a name below a wildcard: ${said} ms after it was asked for`);
    expect(said).toContain('connected');
    await expectReached(probes, [FIRST, SECOND]);
  });

  test('explain and flow records know where the name led', async () => {
    const said = await fleet.command(web.host, 'explain', WEB, FIRST, `tcp/${PORT}`, '--state', web.folder);
    expect(said).toContain('allowed, by revision');
    const record = await until('the record', async () => {
      const query = { startRelative: '-1h', limit: 1000 };
      const { body } = await fleet.client.call('listFlowReports', { namespace: NAMESPACE, query });
      return body.find(({ destinationIP, action }) => destinationIP === FIRST && action === 'Accept');
    });
    expect(record).toMatchObject({
      destinationName: 'api',
      destinationType: 'ExternalNetwork',
      destinationFQDN: 'a.cdn.example.com',
      sourceName: 'web',
    });
  });

  test('a name that is not below it leads nowhere', async () => {
    expect(await dial('www.example.com', 4000)).toContain('no connection');
    await expectReached(probes, [FIRST, SECOND]);
  });

  test('an answer that nobody asked for is not believed, though it comes from the resolver', async () => {
    const asking = program(
      `const socket = require('node:dgram').createSocket('udp4');
       let heard = 0;
       const done = () => { console.log(heard); process.exit(); };
       socket.on('message', () => { if (++heard > 200) done(); });
       socket.bind(40000, () => socket.send(Buffer.from('00010001', 'hex'), 53, '${RESOLVER}'));
       setTimeout(done, 30_000);`,
    );
    await until('the flow to the resolver', async () =>
      (await fleet.network.host('web').run('conntrack', ['-L', '-p', 'udp'])).includes('sport=40000')
        ? true
        : undefined,
    );
    await dns.forge({ address: WEB, port: 40_000, name: 'evil.cdn.example.com', leads: FOURTH });
    expect(Number(await asking)).toBeGreaterThan(200);
    await expectReached(probes, [FIRST, SECOND]);
  });

  test('an answer that leads to the host itself, or to what is on its link alone, is not believed', async () => {
    // It is found, and nobody listens where it leads.
    expect(await dial('rebound.cdn.example.com', 4000)).toMatch(/^(connect ECONNREFUSED|no connection)/);
    const kept = () => JSON.parse(readFileSync(join(web.folder, 'host.json'), 'utf8')).names;
    const found = await until('the name', () => kept()['rebound.cdn.example.com']);
    expect(found).toEqual([RESOLVER]);
  });

  test('what was told is known to the next run, without asking again', async () => {
    await web.kill('SIGKILL');
    await fleet.network.host('web').run('nft', ['flush', 'ruleset']);
    web = await fleet.start('web');
    await enforcing(web);
    await expectReached(probes, [FIRST, SECOND]);
  });
});
