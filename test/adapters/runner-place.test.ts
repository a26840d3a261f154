import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openRunnerPlace, openRunnerPlaces } from '../../shared/adapters/aws/runner-place.ts';
import { callOf } from '../../shared/core/runner-script.ts';
import { runnerPlaceContract } from '../contract/runner-place.ts';
import { FOREIGN, openSsmEndpoint } from '../make/ssm-endpoint.ts';

const INSTANCE = 'i-0123456789abcdef0';

describe.skipIf(process.platform !== 'linux')('through SSM Run Command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ssm-'));
  let endpoint: Awaited<ReturnType<typeof openSsmEndpoint>>;
  beforeAll(async () => {
    endpoint = await openSsmEndpoint(INSTANCE);
  });
  afterAll(async () => {
    await endpoint.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const place = (instance = INSTANCE) =>
    openRunnerPlace({
      region: 'eu-west-1',
      endpoint: endpoint.url,
      credentials: { accessKeyId: 'a', secretAccessKey: 's' },
      instance,
      folder,
      glance: 20,
    });

  runnerPlaceContract('SSM', async () => place());

  test('an instance that SSM does not manage is named, with what to look at', async () => {
    await expect(place('i-00000000000000000').runs('x')).rejects.toThrow(
      'SSM does not manage the instance `i-00000000000000000`; see that its agent runs',
    );
  });

  test('an instance that may not be sent commands is named, and is no reason to try again', async () => {
    const refused = place(FOREIGN).start({ name: 'x', command: ['true'] });
    await expect(refused).rejects.toMatchObject({ kind: 'forbidden' });
    await expect(refused).rejects.toThrow(`SSM takes no command for the instance \`${FOREIGN}\`; see that`);
  });

  test('a command that fails on the instance says why', async () => {
    const broken = openRunnerPlace({
      region: 'eu-west-1',
      endpoint: endpoint.url,
      credentials: { accessKeyId: 'a', secretAccessKey: 's' },
      instance: INSTANCE,
      folder: '/nowhere/at/all',
      glance: 20,
    });
    await expect(broken.start({ name: 'x', command: ['true'] })).rejects.toThrow(
      /command \S+ on i-0123456789abcdef0 came to Failed: .*\/nowhere\/at\/all/,
    );
  });

  test('only instances of the installation’s own account have a place, each in its region', () => {
    const places = openRunnerPlaces({ account: '123456789012' });
    const instance = { region: 'eu-west-1', id: INSTANCE };
    expect(places.on({ ...instance, account: '123456789012' })).toBeDefined();
    expect(places.on({ ...instance, account: '210987654321' })).toBeUndefined();
  });

  describe('a call for a directive', () => {
    const DIRECTIVE = '0123456789abcdef01234567';
    const prefix = join(folder, 'root');
    const log = join(folder, 'called');
    const install = (text: string) => {
      mkdirSync(join(prefix, 'usr/sbin'), { recursive: true });
      writeFileSync(join(prefix, 'usr/sbin/prisma-enforcer'), `#!/bin/sh\necho "$*" >> ${log}\n${text}\n`);
      chmodSync(join(prefix, 'usr/sbin/prisma-enforcer'), 0o755);
    };
    const called = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []);
    const ends = async (name: string, times: number) => {
      const goesOn = async () => called().length < times || (await place().runs(name));
      for (let at = 0; at < 100 && (await goesOn()); at += 1) await wait(100);
      expect(await place().runs(name)).toBe(false);
    };
    afterEach(() => {
      rmSync(prefix, { recursive: true, force: true });
      rmSync(log, { force: true });
    });
    const call = callOf(DIRECTIVE, prefix);

    test('has the installed agent fetch that directive, once however often it is sent', async () => {
      install('sleep 0.5');
      await Promise.all([place().start(call), place().start(call)]);
      await place().start(call);
      await ends(call.name, 1);
      expect(called()).toEqual([`runner fetch --prefix ${prefix} --directive ${DIRECTIVE}`]);
    });

    test('names the root of a system as its agent does, so that there is one runner and not another beside it', async () => {
      install('true');
      const [shell, flag, script, ...given] = callOf(DIRECTIVE).command;
      const here = String(script).replace('program=$1/', `program=${prefix}/`);
      await promisify(execFile)(shell, [String(flag), here, ...given]);
      expect(called()).toEqual([`runner fetch --prefix / --directive ${DIRECTIVE}`]);
    });

    test('is tried again where it failed', async () => {
      install(`[ "$(wc -l < ${log})" -ge 2 ]`);
      await place().start(call);
      await ends(call.name, 2);
      expect(called()).toHaveLength(2);
    });

    test.each([
      ['an agent that does not know the command', () => install('exit 2'), 1],
      ['no agent', () => undefined, 0],
    ])('is given up where there is %s', async (_, prepare, times) => {
      prepare();
      await place().start(call);
      await ends(call.name, times);
      await wait(1200);
      expect(called()).toHaveLength(times);
    });
  });
});
