import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Credential } from '../../../shared/schema/appcredential.ts';
import { type FakeApi, fakeApi } from './fake-api.ts';
import { type Terminal, terminal } from './terminal.ts';

let api: FakeApi;
let user: Terminal;

beforeAll(async () => {
  api = await fakeApi();
});
afterAll(() => api.stop());
beforeEach(async () => {
  api.requests.length = 0;
  user = await terminal();
  return () => user.leave();
});

/** A file in the user's `~/.apoctl`. */
const keep = async (name: string, content: string | Credential): Promise<string> => {
  const path = join(user.home, '.apoctl', name);
  await mkdir(join(user.home, '.apoctl'), { recursive: true });
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};
const namespaces = () =>
  api.requests.map(({ headers }) => headers['x-namespace']).filter(it => it !== undefined);

describe('settings', () => {
  test('a flag goes before the environment, that before the profile, that before the credential', async () => {
    await keep('default.creds', { ...api.credential, namespace: '/acme' });
    const count = (...flags: string[]) => user.type('api', 'count', 'ns', ...flags);
    expect(await count()).toMatchObject({ code: 0, err: '' });
    await keep('default.yaml', 'namespace: /profile\nencoding: json\n');
    await count();
    user.env.APOCTL_NAMESPACE = '/env';
    await count();
    await count('-n', '/flag');
    expect(namespaces()).toEqual(['/acme', '/profile', '/env', '/flag']);
  });

  test('global options may stand anywhere on the line', async () => {
    const options = ['-A', api.url, '-t', 'given', '-n', '/acme'];
    for (const at of [0, 1, 2, 3]) {
      const line = ['api', 'count', 'ns'];
      expect(await user.type(...line.toSpliced(at, 0, ...options))).toMatchObject({ code: 0, err: '' });
    }
  });

  test('the credential says which API, and a trailing slash changes nothing', async () => {
    await keep('default.creds', { ...api.credential, APIURL: `${api.url}/` });
    expect(await user.type('api', 'count', 'ns', '-n', '/acme/')).toMatchObject({ code: 0, out: '0\n' });
    expect(namespaces()).toEqual(['/acme']);
  });

  test('another profile brings its own credential', async () => {
    await keep('work.creds', api.credential);
    await keep('work.yaml', 'namespace: /work\noutput: none\n');
    api.put('namespaces', '/work', { name: '/work/a' });
    const { code, out } = await user.type('--config-name', 'work', 'api', 'list', 'ns');
    expect(code).toBe(0);
    expect(out).toMatch(/^[0-9a-f]{24}\n$/);
  });

  test('a credential that is said on the line goes before a token in the environment', async () => {
    user.env.APOCTL_TOKEN = 'stale';
    const path = await keep('other.creds', api.credential);
    expect(await user.type('api', 'count', 'ns', '--creds', path)).toMatchObject({ code: 0 });
    expect(await user.type('api', 'count', 'ns', '-A', api.url, '-n', '/acme')).toMatchObject({ code: 1 });
  });

  test.each([
    ['no namespace', ['-t', 'x'], 2, 'say in which namespace'],
    ['no credential', ['-n', '/acme'], 1, 'no credential'],
    ['a namespace that is no path', ['-t', 'x', '-n', 'acme'], 2, '`acme`'],
    ['an API that is no URL', ['-t', 'x', '-n', '/', '-A', 'localhost:8080'], 2, '`localhost:8080`'],
    ['a credential that is not there', ['--creds', '/nowhere/x.creds'], 1, 'no such file'],
    ['a profile that is not there', ['--config', '/nowhere/x.yaml'], 1, 'no such file'],
  ])('refuses %s', async (_, flags, code, said) => {
    const outcome = await user.type('api', 'count', 'ns', ...flags);
    expect(outcome.code).toBe(code);
    expect(outcome.err).toContain(said);
  });

  test.each([
    ['default.yaml', 'namespace: [1]', 'the profile'],
    ['default.yaml', 'a: [', 'the profile'],
    ['default.creds', 'hello', 'not an app credential'],
    ['default.creds', '{"ID": 1}', 'not an app credential'],
  ])('names the file %s when it holds %s', async (name, content, said) => {
    const path = await keep(name, content);
    const { code, err } = await user.type('api', 'count', 'ns');
    expect(code).toBe(1);
    expect(err).toContain(said);
    expect(err).toContain(path);
  });
});

describe('auth appcred', () => {
  test('prints a token that the API takes', async () => {
    user.stdin = JSON.stringify(api.credential);
    const { out } = await user.type('auth', 'appcred', '--path', '-');
    const flags = ['-A', api.url, '-n', '/acme', '-t', out.trim()];
    expect(await user.type('api', 'count', 'ns', ...flags)).toMatchObject({ code: 0 });
  });

  test('prints a line for eval with -e, and gets a new token although one is set', async () => {
    await keep('default.creds', api.credential);
    user.env.APOCTL_TOKEN = 'stale';
    const { out } = await user.type('auth', 'appcred', '-e');
    expect(out).toMatch(/^export APOCTL_TOKEN=[\w-]+\.[\w-]+\.[\w-]+\n$/);
  });

  test('asks for the validity that was said', async () => {
    const path = await keep('a.creds', api.credential);
    const { out } = await user.type('auth', 'appcred', '--path', path, '--validity', '10s');
    expect((decodeJwt(out.trim()).exp ?? 0) - Date.now() / 1000).toBeLessThanOrEqual(10);
  });

  test('says for which API the credential was made when another one refuses it', async () => {
    const path = await keep('a.creds', { ...api.credential, APIURL: 'https://elsewhere.example' });
    const { code, err } = await user.type(
      'auth',
      'appcred',
      '--path',
      path,
      '-A',
      api.url.replace('127.0.0.1', 'localhost'),
    );
    expect(code).toBe(1);
    expect(err).toContain('was made for https://elsewhere.example');
    expect(err).toContain('error: Unauthorized: the assertion was refused');
  });
});

describe('exit codes and errors', () => {
  test.each([
    [[]],
    [['api']],
    [['nothing']],
    [['api', 'create']],
    [['api', 'list', 'ns', '--nothing']],
    [['api', 'list', 'nothing']],
    [['api', 'import']],
    [['api', 'create', 'ns', '-k', 'name']],
    [['api', 'create', 'ns', '-d', '[]']],
  ])('wrong usage %j is 2 and goes to standard error alone', async argv => {
    const { code, out, err } = await user.type(...argv);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).not.toBe('');
  });

  test('an unknown identity is answered with all that there are', async () => {
    const { err } = await user.type('api', 'list', 'nothing');
    expect(err).toContain('`nothing`');
    expect(err).toContain('networkrulesetpolicy, oidcprovider, processingunit');
  });

  test('every entry of an error body is one line, with the attribute where the text does not name it', async () => {
    const entry = { code: 422, title: 'Validation Error', subject: 's', trace: 't' };
    const body = [
      { ...entry, description: 'must not be empty', data: { attribute: 'name' } },
      { ...entry, description: "Attribute 'entries' is required", data: { attribute: 'entries' } },
      { ...entry, description: 'two\nlines \u001b[31m' },
    ];
    api.faults.push({ status: 422, body: JSON.stringify(body) });
    const { code, err } = await user.type('api', 'count', 'ns', '-A', api.url, '-n', '/', '-t', 'given');
    expect(code).toBe(1);
    // A HEAD has no body, so the lines are made of the status alone.
    expect(err).toBe('error: Unprocessable Entity: HEAD /namespaces was refused without a reason\n');
    api.faults.push({ status: 422, body: JSON.stringify(body) });
    const listed = await user.type('api', 'list', 'ns', '-A', api.url, '-n', '/', '-t', 'given');
    expect(listed.err.split('\n')).toEqual([
      'error: Validation Error: must not be empty (name)',
      "error: Validation Error: Attribute 'entries' is required",
      'error: Validation Error: two\\x0alines \\x1b[31m',
      '',
    ]);
  });

  test('says which URL does not answer and what to check', async () => {
    const closed = createServer();
    const port = await new Promise<number>(resolve => {
      closed.listen(0, '127.0.0.1', () => resolve((closed.address() as { port: number }).port));
    });
    await new Promise(resolve => closed.close(resolve));
    const url = `http://127.0.0.1:${port}`;
    const { code, err } = await user.type('api', 'list', 'ns', '-A', url, '-n', '/', '-t', 'x');
    expect(code).toBe(1);
    expect(err).toBe(
      `error: no answer from ${url}: connect ECONNREFUSED 127.0.0.1:${port}\n` +
        'hint: check that the API runs there, or say where: -A/--api, APOCTL_API or `api:` in the profile\n',
    );
  });

  test('what answers without JSON is not taken for the API', async () => {
    api.faults.push({ status: 200, body: '<html>' });
    const { code, err } = await user.type('api', 'list', 'ns', '-A', api.url, '-n', '/', '-t', 'given');
    expect(code).toBe(1);
    expect(err).toContain('answers without JSON');
  });
});
