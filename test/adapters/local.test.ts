import { join } from 'node:path';
import { openBucket } from '../../shared/adapters/local/bucket.ts';
import { openBundleAccess } from '../../shared/adapters/local/bundle-access.ts';
import { openBus } from '../../shared/adapters/local/bus.ts';
import { openChangeFeed } from '../../shared/adapters/local/change-feed.ts';
import { openFlowStore } from '../../shared/adapters/local/flow-store.ts';
import { openObjectStore } from '../../shared/adapters/local/object-store.ts';
import { openPublications } from '../../shared/adapters/local/publications.ts';
import { openSigner } from '../../shared/adapters/local/signer.ts';
import { consumed } from '../../shared/schema/event.ts';
import { bucketContract } from '../contract/bucket.ts';
import { bundleAccessContract } from '../contract/bundle-access.ts';
import { busContract } from '../contract/bus.ts';
import { changeFeedContract } from '../contract/change-feed.ts';
import { flowStoreContract } from '../contract/flow-store.ts';
import { objectStoreContract } from '../contract/object-store.ts';
import { publicationsContract } from '../contract/publications.ts';
import { signerContract } from '../contract/signer.ts';
import { testClock } from '../make/clock.ts';
import { dataDirectory } from '../make/data-directory.ts';

objectStoreContract('SQLite', async () => {
  const { open, stop } = dataDirectory();
  const clock = testClock();
  return { store: openObjectStore(open(), clock), clock, stop };
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

flowStoreContract('files', async () => {
  const { path, stop } = dataDirectory();
  const flows = openFlowStore(path, testClock());
  return { flows, stop: () => flows.close().then(stop) };
});
