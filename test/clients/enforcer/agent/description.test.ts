import { afterEach, beforeEach, expect, test } from 'vitest';
import { collect } from '../../../../clients/host/collect.ts';
import { hostAt } from '../../../../clients/host/host.ts';
import { openStage, type Stage } from './stage.ts';

const INSTANCE = { account: '826088932159', region: 'eu-west-1', id: 'i-0123456789abcdef0' };

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

const describe = async () => ({ facts: await collect(hostAt('/')), instance: INSTANCE });

test('an agent that begins tells what its host is, and once more when the kernel was told of a policy', async () => {
  const told: boolean[] = [];
  const running = stage.start({
    describe: async hasTried => {
      told.push(hasTried);
      return describe();
    },
  });
  await stage.until('the description', async () => (await stage.enforcers())[0]?.facts !== undefined);
  await stage.until('the policy', () => running.agent.holding.active !== undefined);
  for (let polls = 0; polls < 5; polls += 1) await stage.until('a poll', () => true);
  const [enforcer] = await stage.enforcers();
  expect(enforcer).toMatchObject({ instance: INSTANCE, facts: { platform: 'linux' }, lastCollectionID: '' });
  await stage.until('the other one', () => told.includes(true));
  expect(told).toEqual([...new Set(told)]);
});

test('an agent that is asked tells anew, and names the question', async () => {
  const running = stage.start({ describe });
  await stage.until('the description', async () => (await stage.enforcers())[0]?.facts !== undefined);
  const [enforcer] = await stage.enforcers();
  if (!enforcer) throw new Error('no enforcer');
  const question = '0123456789abcdef01234567';
  await stage.ask(enforcer, question);
  await stage.until('the answer', async () => (await stage.enforcers())[0]?.lastCollectionID === question);
  expect(running.agent.status.troubles).toEqual({});
});

test('what can’t be told is tried again, and the agent does its work meanwhile', async () => {
  let times = 0;
  const running = stage.start({
    describe: async () => {
      times += 1;
      if (times < 3) throw new Error('no metadata');
      return describe();
    },
  });
  await stage.until('the policy', () => running.agent.holding.active !== undefined);
  await stage.until('the trouble', () => running.agent.status.troubles.description !== undefined);
  await stage.until(
    'the description',
    async () => (await stage.enforcers())[0]?.instance !== undefined,
    10_000,
  );
  expect(running.agent.status.troubles.description).toBeUndefined();
  expect(times).toBe(3);
});
