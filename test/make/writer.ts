import { join } from 'node:path';
import { openBucket } from '../../shared/adapters/local/bucket.ts';
import { openBus } from '../../shared/adapters/local/bus.ts';
import { systemClock } from '../../shared/adapters/local/clock.ts';
import { openDatabase } from '../../shared/adapters/local/database.ts';
import { openObjectStore } from '../../shared/adapters/local/object-store.ts';
import { openSigner } from '../../shared/adapters/local/signer.ts';
import { consumed } from '../../shared/schema/event.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { onboarded } from '../contract/bus.ts';
import { create, makeNetwork } from './objects.ts';

/**
 * A process to be killed: writes to a data directory for ever, with several writers at once, and prints a line for
 * each write once it was acknowledged. Run with the directory as its argument.
 */
const directory = process.argv[2] ?? '.';
const database = openDatabase(directory);
const store = openObjectStore(database, systemClock);
const bucket = await openBucket(join(directory, 'bucket'));
const bus = openBus(database, systemClock);
bus.subscribe('never', consumed.CloudAccountOnboarded, () => new Promise(() => {}));
const signer = await openSigner(join(directory, 'keys', 'token.pem'));

const acknowledge = (kind: string, what: string): void => {
  process.stdout.write(`${kind} ${what}\n`);
};
acknowledge('key', Buffer.from(await signer.publicKey()).toString('base64'));

const writers: (() => Promise<void>)[] = [
  async () => {
    const object = makeNetwork(NamespacePath.parse('/t'), 'n');
    await store.commit([create('externalnetwork', object)]);
    acknowledge('object', object.ID);
  },
  async () => {
    const body = Buffer.from(`${performance.now()}`);
    const answer = await bucket.put('bundles/timestamp.json', body, { contentType: 'application/json' });
    acknowledge('bucket', answer.outcome === 'written' ? answer.etag : 'conflict');
  },
  async () => {
    const event = onboarded('1');
    await bus.publish(event);
    acknowledge('event', event.id);
  },
];
const forever = async (write: () => Promise<void>): Promise<never> => {
  for (;;) await write();
};
await Promise.all([...writers, ...writers].map(forever));
