import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { FlowReport } from '../../../../clients/enforcer/flows/report.ts';
import { sendFlows } from '../../../../clients/enforcer/flows/send.ts';
import { createClient } from '../../../../shared/api/client.ts';
import type { Enforcer } from '../../../../shared/schema/enforcer.ts';

let close: () => void = () => undefined;
afterEach(() => close());

/** A control plane that takes or refuses a batch by what is in it, and tells what it took. */
async function controlPlane(statusOf: (reports: FlowReport[]) => number) {
  const taken: FlowReport[] = [];
  let requests = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const reports: FlowReport[] = JSON.parse(Buffer.concat(chunks).toString());
    requests++;
    response.statusCode = statusOf(reports);
    if (response.statusCode === 200) taken.push(...reports);
    response.end(response.statusCode === 200 ? JSON.stringify({ accepted: reports.length }) : '');
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  close = () => {
    server.closeAllConnections();
    server.close();
  };
  const client = createClient({ api: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  const enforcer = () => ({ ID: 'now', namespace: '/t' }) as unknown as Enforcer;
  const send = (reports: FlowReport[]) =>
    sendFlows({ client, enforcer }, { reports }, new AbortController().signal);
  return { taken, send, requests: () => requests };
}

const reports = (count: number): FlowReport[] =>
  Array.from({ length: count }, (_, at) => ({ ID: String(at), enforcerID: 'before' }) as FlowReport);

test('a batch is sent at once, by who this host is now', async () => {
  const { taken, send, requests } = await controlPlane(() => 200);
  expect(await send(reports(1000))).toBe(0);
  expect([taken.length, requests(), taken[0]?.enforcerID]).toEqual([1000, 1, 'now']);
});

test('of a batch that will never be taken only few are given up around the one at fault', async () => {
  const { taken, send, requests } = await controlPlane(batch =>
    batch.some(({ ID }) => ID === '700') ? 422 : 200,
  );
  const refused = await send(reports(1000));
  expect(refused).toBeLessThanOrEqual(32);
  expect(taken.length).toBe(1000 - refused);
  expect(requests()).toBeLessThan(15);
});

test.each([401, 403, 404, 429, 500, 503])(
  'a control plane that answers %d is asked again later',
  async status => {
    const { send } = await controlPlane(() => status);
    await expect(send(reports(10))).rejects.toMatchObject({ status });
  },
);
