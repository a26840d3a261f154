import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { everyIn } from '../../functions/pipeline/authorize.ts';
import { type ControlPlane, startControlPlane } from '../../local/control-plane.ts';
import { resolveVersion } from '../../shared/core/versions.ts';
import { ROOT } from '../../shared/schema/ids.ts';
import { type Terminal, terminal } from '../clients/apoctl/terminal.ts';

const data = mkdtempSync(join(tmpdir(), 'microseg-'));
const releases = join(data, 'releases');
const quiet = () => {};
let plane: ControlPlane;
let user: Terminal;
beforeAll(async () => {
  mkdirSync(releases);
  writeFileSync(join(releases, 'agent-1.3.0.tgz'), 'agent 1.3.0');
  const log = { info: quiet, warn: quiet, error: quiet };
  plane = await startControlPlane({ data: join(data, 'plane'), host: '127.0.0.1', port: 0, log, releases });
  user = await terminal({ APOCTL_API: plane.url, APOCTL_CREDS: plane.administrator, APOCTL_NAMESPACE: '/' });
});
afterAll(async () => {
  await plane.stop();
  await user.leave();
  rmSync(data, { recursive: true });
});

const file = join(releases, 'agent-1.3.0.tgz');
const place = `releases/targets/${createHash('sha256').update('agent 1.3.0').digest('hex')}.agent-1.3.0.tgz`;

/** As an agent asks: with what it reads its bundle with. */
async function get(path: string): Promise<Response> {
  await user.type('api', 'create', 'namespace', '-k', 'name', 't');
  const { out } = await user.type('api', 'list', 'namespace', '-o', 'json');
  const [{ ID }] = JSON.parse(out);
  const { sessionToken } = await plane.deps.bundleAccess.grant(ID, 'enforcer');
  return fetch(`${plane.url}/${path}`, { headers: { 'x-amz-security-token': sessionToken } });
}

test('a dry run says where the files must lie, and publishes nothing', async () => {
  const { code, out } = await user.type(
    'enforcer',
    'release',
    file,
    '--release-version',
    '1.3.0',
    '--dry-run',
  );
  expect([code, out]).toEqual([0, `${place}\n`]);
  expect(await everyIn(plane.deps.store, 'enforcerrelease', ROOT)).toEqual([]);
});

test('a release is in the signed catalogue and its file is served; a second one of the version is refused', async () => {
  const { code, out, err } = await user.type('enforcer', 'release', file, '--release-version', 'v1.3.0');
  expect([code, out, err]).toEqual([0, `${place}\n`, '']);
  await plane.settled();
  expect(resolveVersion('', await everyIn(plane.deps.store, 'enforcerrelease', ROOT)).version).toBe('1.3.0');
  await vi.waitFor(async () => expect((await get('releases/metadata/timestamp.json')).status).toBe(200));
  const targets = await (await get('releases/metadata/1.targets.json')).text();
  expect(Object.keys(JSON.parse(targets).signed.targets)).toEqual(['agent-1.3.0.tgz']);
  expect(await (await get(place)).text()).toBe('agent 1.3.0');
  expect((await fetch(`${plane.url}/${place}`)).status).toBe(403);
  const again = await user.type('enforcer', 'release', file, '--release-version', '1.3.0');
  expect([again.code, again.err]).toEqual([1, expect.stringContaining('Duplicate Key')]);
});

test('a file that cannot be read and a version that is none are refused', async () => {
  const unread = await user.type('enforcer', 'release', '/nowhere', '--release-version', '1.3.1');
  expect([unread.code, unread.err]).toEqual([2, expect.stringContaining('cannot read /nowhere')]);
  const none = await user.type('enforcer', 'release', file, '--release-version', 'newest');
  expect([none.code, none.err]).toEqual([1, expect.stringContaining('must be a semantic version')]);
});

test('an install token is made for the namespace, and printed alone', async () => {
  await user.type('api', 'create', 'namespace', '-k', 'name', 'agents');
  const made = await user.type('enforcer', 'install-token', '-n', '/agents', '--validity', '10m');
  expect([made.code, made.out]).toEqual([0, expect.stringMatching(/^[\w-]+\.[0-9a-f]{24}\.[\w-]{43}\n$/)]);
  const wrong = await user.type('enforcer', 'install-token', '-n', '/agents', '--validity', '9d');
  expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('must be a duration such as 30m')]);
});
