import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRunnerPlace } from '../../shared/adapters/aws/runner-place.ts';
import { runnerPlaceContract } from '../contract/runner-place.ts';
import { openSsmEndpoint } from '../make/ssm-endpoint.ts';

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
});
