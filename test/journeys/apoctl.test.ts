import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../local/control-plane.ts';
import { FACTS } from '../make/fleet.ts';

const bin = fileURLToPath(new URL('../../clients/apoctl/bin.mjs', import.meta.url));
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

let folder: string;
let plane: ControlPlane;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apoctl-journey-'));
  plane = await startControlPlane({ data: join(folder, 'data'), host: '127.0.0.1', port: 0, log: silent });
});
afterAll(async () => {
  await plane.stop();
  await rm(folder, { recursive: true });
});

/** Runs the program as a user would, with the administrator's credential and an empty home directory. */
async function apoctl(line: string, piped = ''): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(bin, line.split(' '), {
    env: { PATH: process.env.PATH, HOME: folder, APOCTL_CREDS: plane.administrator },
  });
  child.stdin.end(piped);
  const ended = new Promise<number | null>(resolve => child.on('close', resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, out, err };
}

const NAMESPACE = '/826920578209172635/aws-dev-826088932159';

test('an account is onboarded, its objects are made as the release notes type them, read, changed and deleted', async () => {
  const account = 'name aws-dev -k accountID=826088932159 -k provider aws -k prismaID 826920578209172635';
  expect(await apoctl(`api create cloudaccount -n / -k ${account}`)).toMatchObject({ code: 0, err: '' });
  await expect
    .poll(async () => (await apoctl(`api count ns -n ${NAMESPACE}`)).out, { timeout: 20_000, interval: 200 })
    .toBe('1\n');
  const namespaces = await apoctl('api list namespaces -n /826920578209172635 -r -o table -c name,type');
  expect(namespaces.out).toContain(`${NAMESPACE}/default`);

  const profile = `name: ignore-twistlock-defender
ignoreExpression:
- - '@app:k8s:serviceaccountname=twistlock-service'
associatedTags:
- 'enforcerprofile=ignore.twistlock'
propagate: true
`;
  const created = await apoctl(`api create enforcerprofile -n ${NAMESPACE} -f -`, profile);
  expect(created).toMatchObject({ code: 0, out: expect.stringMatching(/^[0-9a-f]{24}\n$/) });
  const mapping = `name: ignore-twistlock-defender-mapping
object:
- - 'enforcerprofile=ignore.twistlock'
subject:
- - $identity=enforcer
propagate: true
`;
  const mapped = await apoctl(`api create enforcerprofilemappingpolicies -n ${NAMESPACE} -f -`, mapping);
  expect(mapped.code).toBe(0);

  const found = await apoctl(`api get profile ignore-twistlock-defender -n ${NAMESPACE} -o json`);
  expect(JSON.parse(found.out)).toMatchObject({ ID: created.out.trim(), propagate: true });
  const changed = await apoctl(
    `api update profile ignore-twistlock-defender -n ${NAMESPACE} -k excludedNetworks 10.0.0.0/8 -o json`,
  );
  expect(JSON.parse(changed.out)).toMatchObject({ excludedNetworks: ['10.0.0.0/8'], propagate: true });
  expect(await apoctl(`api delete profile ignore-twistlock-defender -n ${NAMESPACE}`)).toMatchObject({
    code: 0,
  });
  const gone = await apoctl(`api get profile ${created.out.trim()} -n ${NAMESPACE}`);
  expect(gone).toMatchObject({ code: 1, out: '' });
  expect(gone.err).toMatch(/^error: Not Found: /);
});

test('more objects than fit on a page are imported once, and listed whole', async () => {
  const objects = Array.from({ length: 130 }, (_, i) => ({ name: `net-${i}`, entries: [`10.0.${i}.0/24`] }));
  const data = JSON.stringify({ APIVersion: 1, label: 'nets', data: { externalnetworks: objects } });
  const first = await apoctl('api import -n / -f -', data);
  expect(first).toMatchObject({ code: 0, out: 'created 130, updated 0, unchanged 0 (label nets)\n' });
  const again = await apoctl('api import -n / -f -', data);
  expect(again.out).toBe('created 0, updated 0, unchanged 130 (label nets)\n');
  const listed = await apoctl('api list extnet -n / -o none');
  expect(new Set(listed.out.trim().split('\n')).size).toBe(130);
  const ordered = await apoctl('api list extnet -n / -O -name -c name -P 1 -S 2');
  expect(JSON.parse(ordered.out)).toEqual([{ name: 'net-99' }, { name: 'net-98' }]);
});

test('what is wrong with an object is said for each attribute', async () => {
  const { code, out, err } = await apoctl('api create extnet -n / -k entries 999.0.0.0/8 -k colour red');
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toContain('colour');
  expect(err).toContain("'name' is required");
  expect(err).toContain('999.0.0.0/8');
});

test('a token stands in for the credential, until it is not one', async () => {
  const { out } = await apoctl('auth appcred --validity 5m -e');
  const token = /^export APOCTL_TOKEN=(\S+)\n$/.exec(out)?.[1];
  expect(await apoctl(`api count ns -t ${token}`)).toMatchObject({ code: 0, err: '' });
  expect(await apoctl(`api count ns -t ${token}x`)).toMatchObject({ code: 1 });
});

test('an upgrade is planned, begun, watched, paused, gone on with and ended from the command line', async () => {
  const file = join(folder, 'prisma-enforcer-9.0.0.tgz');
  await writeFile(file, 'a release');
  const released = await apoctl(`enforcer release -n / --release-version 9.0.0 ${file}`);
  expect(released).toMatchObject({ code: 0, out: expect.stringMatching(/^releases\/targets\//) });
  const machine = 'name web-1 -k FQDN web-1.test -k machineID m1 -k currentVersion 1.0.0';
  await apoctl('api create namespace -n / -k name upgraded');
  expect(await apoctl(`api create enforcer -n /upgraded -k ${machine}`)).toMatchObject({ code: 0 });

  const plan = await apoctl('enforcer upgrade start -n /upgraded --dry-run');
  expect(plan.out).toContain('1 hosts would get version 9.0.0');
  const start = await apoctl('enforcer upgrade start -n /upgraded --name nightly --soak 1s');
  const id = start.out.trim();
  const watched = apoctl('enforcer upgrade status nightly -n /upgraded --watch');
  const status = () => apoctl(`enforcer upgrade status ${id} -n /upgraded`);
  const [ID] = (await apoctl('api list enforcers -n /upgraded -o none')).out.trim().split('\n');
  // No agent runs here: what the host is, which it would tell when it is asked, is told for it.
  await expect
    .poll(async () => (await apoctl(`api get enforcer ${ID} -n /upgraded -o json`)).out, { timeout: 10_000 })
    .toContain(`"collect": "${id}"`);
  const told = JSON.stringify({ facts: FACTS, lastCollectionID: id });
  expect(await apoctl(`api update enforcer ${ID} -n /upgraded -f -`, told)).toMatchObject({ code: 0 });
  await expect
    .poll(async () => (await status()).out, { timeout: 20_000, interval: 300 })
    .toContain('Uninstalling');

  const again = await apoctl('enforcer upgrade start -n /upgraded');
  expect(again).toMatchObject({
    code: 1,
    err: expect.stringContaining(`belongs to the upgrade ${id} (nightly)`),
  });
  expect((await apoctl('enforcer upgrade pause nightly -n /upgraded')).out).toContain('to be paused');
  expect((await apoctl('enforcer upgrade resume nightly -n /upgraded')).out).toContain(': Running\n');
  expect((await apoctl('enforcer upgrade abort nightly -n /upgraded')).out).toContain('to be aborted');

  // Nor would it finish what it has begun; a host that is deleted is not waited for.
  await apoctl(`api delete enforcer ${ID} -n /upgraded`);
  const { code, out, err } = await watched;
  expect(code).toBe(1);
  expect(out).toContain('host web-1: Uninstalling');
  expect(out).toContain('host web-1: Failed: the enforcer was deleted');
  expect(err).toMatch(/^error: upgrade nightly \w+ in \/upgraded: RolledBack: 1 of 1 hosts/);
}, 60_000);

test('who may talk to whom is told for both ends, with the rule, and checked in a script', async () => {
  const tenant = '/826920578209172635';
  const ruleset = JSON.stringify({
    name: 'web',
    subject: [['app=web']],
    incomingRules: [{ action: 'Reject', object: [['app=db']], protocolPorts: ['tcp/22'] }],
  });
  expect((await apoctl(`api create networkrulesetpolicy -n ${NAMESPACE} -f -`, ruleset)).code).toBe(0);
  const flow = `decide -n ${tenant} app=db@${NAMESPACE} app=web@${NAMESPACE} tcp/22`;
  const { code, out } = await apoctl(flow);
  expect([code, out.split('\n')[0]]).toEqual([0, 'reject tcp/22']);
  expect(out).toContain(`destination  ${NAMESPACE}`);
  expect(out).toContain('rejected: incoming rule 1 of ruleset `web`');
  expect(out).toContain('no bundle carries this policy yet');
  expect(JSON.parse((await apoctl(`${flow} -o json`)).out)).toMatchObject({ verdict: 'reject' });
  expect((await apoctl(`${flow} --expect reject`)).code).toBe(0);
  expect(await apoctl(`${flow} --expect allow`)).toMatchObject({
    code: 1,
    err: 'error: the flow is rejected, not as expected\n',
  });
});
