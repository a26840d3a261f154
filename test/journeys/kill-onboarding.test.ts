import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { dataDirectory } from '../make/data-directory.ts';
import { accountEvent, onboarding, tree } from '../make/onboarding.ts';

const PROCESS = fileURLToPath(new URL('../make/onboarding-process.ts', import.meta.url));

it('onboards an account over processes that are each killed with SIGKILL after one transition', async () => {
  const killed = dataDirectory();
  const whole = dataDirectory();
  try {
    const { deliver, finish, store } = onboarding({ database: whole.open() });
    await deliver(accountEvent('e1', { prismaID: 'killed', name: 'aws-dev', accountID: '826088932159' }));
    await finish();

    let starts = 0;
    let last = spawnSync(process.execPath, [PROCESS, killed.path], { encoding: 'utf8' });
    for (; last.signal === 'SIGKILL' && starts < 100; starts += 1) {
      last = spawnSync(process.execPath, [PROCESS, killed.path], { encoding: 'utf8' });
    }
    expect(last).toMatchObject({ status: 0, stderr: expect.not.stringContaining('Error') });
    expect(JSON.parse(last.stdout)).toEqual(await tree(store, 'killed'));
    expect(starts).toBeGreaterThan(20);
    console.info(`killed ${starts} times`);
  } finally {
    await killed.stop();
    await whole.stop();
  }
});
