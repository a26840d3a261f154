import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { uploadSide } from '../../local/uploads.ts';
import { openBucket } from '../../shared/adapters/local/bucket.ts';
import { openBundleAccess } from '../../shared/adapters/local/bundle-access.ts';
import { openBus } from '../../shared/adapters/local/bus.ts';
import { openChangeFeed } from '../../shared/adapters/local/change-feed.ts';
import { openFlowStore } from '../../shared/adapters/local/flow-store.ts';
import { openObjectStore } from '../../shared/adapters/local/object-store.ts';
import { openPublications } from '../../shared/adapters/local/publications.ts';
import { openSigner } from '../../shared/adapters/local/signer.ts';
import { openUploads } from '../../shared/adapters/local/uploads.ts';
import { consumed } from '../../shared/schema/event.ts';
import { bucketContract } from '../contract/bucket.ts';
import { bundleAccessContract } from '../contract/bundle-access.ts';
import { busContract } from '../contract/bus.ts';
import { changeFeedContract } from '../contract/change-feed.ts';
import { flowStoreContract } from '../contract/flow-store.ts';
import { ACTIVITY_DAYS } from '../contract/object-store/given.ts';
import { objectStoreContract } from '../contract/object-store.ts';
import { publicationsContract } from '../contract/publications.ts';
import { signerContract } from '../contract/signer.ts';
import { uploadsContract } from '../contract/uploads.ts';
import { testClock } from '../make/clock.ts';
import { dataDirectory } from '../make/data-directory.ts';
import { freshTenant, makeActivity, makeNetwork, nextID } from '../make/objects.ts';

objectStoreContract('SQLite', async () => {
  const { open, stop } = dataDirectory();
  const clock = testClock();
  const database = open();
  const store = () => openObjectStore(database, clock, { activityDays: ACTIVITY_DAYS });
  return { store: store(), other: store(), clock, stop };
});

changeFeedContract('SQLite outbox', async () => {
  const { open, stop } = dataDirectory();
  const database = open();
  return { store: openObjectStore(database, testClock()), feed: openChangeFeed(database), stop };
});

publicationsContract('SQLite', async () => {
  const { open, stop } = dataDirectory();
  return { publications: openPublications(open()), stop };
});

bucketContract('directory', async () => {
  const { path, stop } = dataDirectory();
  return { bucket: await openBucket(join(path, 'bucket')), stop };
});

signerContract('key file', async () => {
  const { path, stop } = dataDirectory();
  return { signer: await openSigner(join(path, 'keys', 'token.pem')), stop };
});

busContract('SQLite', async () => {
  const { open, stop } = dataDirectory();
  const bus = openBus(open(), testClock());
  const received: unknown[] = [];
  bus.subscribe('test', consumed.CloudAccountOnboarded, async ({ detail }) => {
    received.push(detail);
  });
  bus.start();
  return { bus, received: async () => received, stop: () => bus.stop().then(stop) };
});

bundleAccessContract('signed token', async () => {
  const { path, stop } = dataDirectory();
  const clock = testClock();
  const signer = await openSigner(join(path, 'keys', 'token.pem'));
  const access = openBundleAccess({ signer, clock, url: () => 'http://127.0.0.1:8080' });
  const mayRead = ({ sessionToken }: { sessionToken: string }, key: string) =>
    access.allows(sessionToken, key);
  return { access, now: clock.now, mayRead, enforces: true, stop };
});

uploadsContract('signed token', async () => {
  const { path, stop } = dataDirectory();
  const clock = testClock();
  const signer = await openSigner(join(path, 'keys', 'token.pem'));
  const bucket = await openBucket(join(path, 'bucket'));
  const server = createServer((request, response) => {
    side(request, response, new URL(`http://localhost${request.url}`)).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const uploads = openUploads({ signer, clock, url: () => `http://127.0.0.1:${port}` });
  const side = uploadSide(bucket, uploads);
  const end = () => {
    server.closeAllConnections();
    server.close();
    return stop();
  };
  return { uploads, bucket, now: clock.now, enforces: true, stop: end };
});

describe('a body that comes in pieces', () => {
  async function* pieces(...texts: string[]) {
    for (const text of texts) yield Buffer.from(text);
  }

  it('is put as one that came at once, or not at all when it is of another length', async () => {
    const { path, stop } = dataDirectory();
    const bucket = await openBucket(join(path, 'bucket'));
    const upload = { size: 5, contentType: 'application/json' };
    const { etag } = (await bucket.put('uploads/a', Buffer.from('a-b-c'), upload)) as { etag: string };
    expect(await bucket.receive('uploads/b', pieces('a-', 'b-c'), upload)).toBe(etag);
    expect(await bucket.get('uploads/b')).toMatchObject({ etag, body: new Uint8Array(Buffer.from('a-b-c')) });
    for (const wrong of [pieces('a-b-'), pieces('a-b-c', 'd')]) {
      await expect(bucket.receive('uploads/c', wrong, upload)).rejects.toMatchObject({ kind: 'bad_request' });
    }
    expect(await bucket.list('uploads/')).toEqual(['uploads/a', 'uploads/b']);
    // What lies there is whole for a start after this one, too.
    expect(await (await openBucket(join(path, 'bucket'))).list('uploads/')).toHaveLength(2);
    await stop();
  });
});

flowStoreContract('files', async () => {
  const { path, stop } = dataDirectory();
  const flows = openFlowStore(path, testClock());
  return { flows, stop: () => flows.close().then(stop) };
});

describe('entries of the activity log that are over', () => {
  it('leave the database, and those of a store that keeps all do not', async () => {
    const { open, stop } = dataDirectory();
    const database = open();
    const clock = testClock();
    const place = freshTenant();
    const old = makeActivity(place, makeNetwork(place, 'n'), clock.now().toISOString());
    const rows = () =>
      database.handle.prepare("SELECT sk FROM items WHERE pk LIKE 'activity#%'").all().length;
    await openObjectStore(database, clock).commit([{ kind: 'activity', activity: old }]);
    const store = openObjectStore(database, clock, { activityDays: 1 });
    await store.commit([{ kind: 'activity', activity: { ...old, id: nextID() } }]);
    clock.advance(24 * 3600_000 - 1000);
    await store.once(place, 'a', 1);
    expect(rows()).toBe(2);
    clock.advance(1000);
    await store.once(place, 'b', 1);
    expect(rows()).toBe(1);
    stop();
  });
});
