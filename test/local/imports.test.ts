import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../local/control-plane.ts';
import { removeLeftUploads } from '../../local/uploads.ts';
import type { Client } from '../../shared/api/client.ts';
import { type DataDirectory, dataDirectory } from '../make/data-directory.ts';
import { administratorOf } from '../make/process.ts';
import { quiet } from '../make/state-machine.ts';

let directory: DataDirectory;
let plane: ControlPlane;
let client: Client;
beforeAll(async () => {
  directory = dataDirectory();
  plane = await startControlPlane({ data: directory.path, host: '127.0.0.1', port: 0, log: quiet });
  client = await administratorOf(directory.path);
  await client.call('createNamespace', { namespace: '/', body: { name: 'acme', type: 'Tenant' } });
});
afterAll(async () => {
  await plane.stop();
  await directory.stop();
});

const namespace = '/acme';

it('an import is uploaded, carried out and shown, all in one process', async () => {
  const count = 300;
  const document = JSON.stringify({
    label: 'l',
    data: {
      externalnetworks: Array.from({ length: count }, (_, at) => ({
        name: `n${at}`,
        entries: ['192.0.2.0/24'],
      })),
    },
  });
  const { body: created } = await client.call('createImport', { namespace, body: { size: document.length } });
  const { ID, upload } = created;
  if (!upload) throw new Error('no place to upload to');
  expect(upload.url).toMatch(new RegExp(`^${plane.url}/uploads/${ID}\\?token=`));
  const { 'content-length': _, ...headers } = upload.headers;
  const put = (body: string) => fetch(upload.url, { method: upload.method, headers, body });
  expect((await put(`${document} `)).status).toBe(403);
  expect((await put(document)).status).toBe(200);
  const params = { id: ID };
  await client.call('startImport', { namespace, params });
  const look = async () => (await client.call('getImport', { namespace, params })).body;
  let run = await look();
  for (let waited = 0; waited < 200 && run.endTime === undefined; waited += 1) {
    await sleep(100);
    run = await look();
  }
  expect(run).toMatchObject({ status: 'Succeeded', created: count, applied: count, total: count });
  const listed = await client.call('listExternalnetwork', { namespace, query: { limit: 1000 } });
  expect(listed.body).toHaveLength(count);
});

it('what was uploaded goes after a week, and nothing else of the bucket', async () => {
  const { bucket } = plane.deps;
  const days = (count: number) => new Date(Date.now() + count * 24 * 3_600_000);
  const others = (await bucket.list('')).filter(key => !/^(uploads|imports)\//.test(key));
  await removeLeftUploads(bucket, days(6));
  expect(await bucket.list('uploads/')).toHaveLength(1);
  expect(await bucket.list('imports/')).toHaveLength(2);
  await removeLeftUploads(bucket, days(8));
  expect(await bucket.list('')).toEqual(others);
});
