import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../../local/control-plane.ts';
import { type DataDirectory, dataDirectory } from '../../make/data-directory.ts';
import { quiet } from '../../make/state-machine.ts';
import { type Terminal, terminal } from './terminal.ts';

let directory: DataDirectory;
let plane: ControlPlane;
let user: Terminal;
beforeAll(async () => {
  directory = dataDirectory();
  plane = await startControlPlane({ data: directory.path, host: '127.0.0.1', port: 0, log: quiet });
});
afterAll(async () => {
  await plane.stop();
  await directory.stop();
});
beforeEach(async () => {
  user = await terminal();
  return () => user.leave();
});

describe('auth with a token of another issuer', () => {
  const first = async (): Promise<string> => {
    return (await user.type('auth', 'appcred', '--path', plane.administrator)).out.trim();
  };
  const flags = () => ['-A', plane.url];

  test('trades one of this API for one that may less, and says so in it', async () => {
    user.stdin = `${await first()}\n`;
    const asked = [
      '--validity',
      '1m',
      '--quota',
      '3',
      '--restrict-namespace',
      '/acme',
      '--opaque',
      'job:7:a',
    ];
    const roles = ['--restrict-role', 'extnet,get', '--restrict-network', '127.0.0.0/8'];
    const { code, out, err } = await user.type('auth', 'token', ...flags(), ...asked, ...roles);
    expect([code, err]).toEqual([0, '']);
    expect(decodeJwt(out.trim())).toMatchObject({
      quota: 3,
      opaque: { job: '7:a' },
      restrictions: { namespace: '/acme', perms: ['extnet,get'], networks: ['127.0.0.0/8'] },
    });
  });

  test('takes the token of -t, a file or standard input, and prints a line for eval with -e', async () => {
    const token = await first();
    const path = join(user.home, 'a.jwt');
    await writeFile(path, token);
    for (const said of [
      ['-t', token],
      ['--path', path],
      ['-e', '-t', token],
    ]) {
      const { code, out } = await user.type('auth', 'token', ...flags(), ...said);
      expect([code, out]).toEqual([
        0,
        expect.stringMatching(/^(export APOCTL_TOKEN=)?[\w-]+\.[\w-]+\.[\w-]+\n$/),
      ]);
    }
  });

  test.each([
    [['gcp'], 'Unauthorized: the identity token was refused'],
    [['azure'], 'Unauthorized: the identity token was refused'],
    [['oidc', '--provider-namespace', '/acme', '--provider', 'none'], 'Unauthorized: the identity token was'],
    [['pc-token'], 'whose issuer is not set up here'],
    [['token'], 'Unauthorized: the token is not valid here'],
    [['token', '--quota', 'x'], '--quota wants a whole number'],
    [['token', '--opaque', 'x'], '--opaque wants key:value'],
    [['token', '--restrict-namespace', 'a//b'], 'restrictedNamespace'],
  ])('is refused in the words of the API or of the flag: %j', async (words, said) => {
    const { code, out, err } = await user.type('auth', ...words, ...flags(), '-t', 'a.b.c');
    expect([code === 0, out]).toEqual([false, '']);
    expect(err).toContain(said);
  });

  test('wants to know where the provider lives', async () => {
    expect(await user.type('auth', 'oidc', ...flags(), '-t', 'x')).toMatchObject({ code: 2, out: '' });
  });
});
