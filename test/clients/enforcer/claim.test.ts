import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { Claim } from '../../../clients/enforcer/claim.ts';

const NAME = `prisma-enforcer-test-${process.pid}`;

test('one has the name, as often as it asks, and the other is told how to find out who', async () => {
  const [first, second] = [new Claim(NAME), new Claim(NAME)];
  expect(await first.take()).toBeUndefined();
  expect(await first.take()).toBeUndefined();
  for (let time = 0; time < 2; time++)
    expect(await second.take()).toMatch(
      /^another agent may enforce .* @prisma-enforcer is taken; see who has it: ss /,
    );
});

test('whoever speaks to it is heard by nobody', async () => {
  const claim = new Claim(`${NAME}-silent`);
  expect(await claim.take()).toBeUndefined();
  const socket = connect(`\0${NAME}-silent`).on('error', () => undefined);
  socket.write('anything');
  await new Promise(done => socket.once('close', done));
});

test('a name that can’t be had for another reason is told with that reason', async () => {
  expect(await new Claim('x'.repeat(200)).take()).toMatch(
    /^whether another agent enforces in this network namespace can't be told: E/,
  );
});
