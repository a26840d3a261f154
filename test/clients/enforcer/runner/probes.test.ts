import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { tryProbes } from '../../../../clients/enforcer/runner/probes.ts';
import { freePort } from '../../../make/process.ts';

test.each(['tcp', 'udp'])(
  'a probe that is refused over %s still tells from where it was tried',
  async protocol => {
    const probe = { name: 'p', host: '127.0.0.1', protocolPort: `${protocol}/${await freePort()}` };
    expect(await tryProbes([{ ...probe, expect: 'pass' }])).toEqual([
      { name: 'p', ok: true, from: '127.0.0.1' },
    ]);
    expect(await tryProbes([{ ...probe, expect: 'fail' }])).toMatchObject([{ ok: false }]);
  },
);

test('a probe that is answered tells the same', async () => {
  const server = createServer();
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const probe = { name: 'p', host: '127.0.0.1', protocolPort: `tcp/${port}`, expect: 'pass' as const };
  expect(await tryProbes([probe])).toEqual([{ name: 'p', ok: true, from: '127.0.0.1' }]);
  server.close();
});
