import { ObjectId } from '../schema/ids.ts';

/** 12 hex characters of milliseconds since the epoch and 12 of chance, as `Clock.randomBytes` gives it. */
export const newObjectId = (now: Date, randomBytes: (size: number) => Uint8Array): ObjectId =>
  ObjectId.parse(now.getTime().toString(16).padStart(12, '0') + Buffer.from(randomBytes(6)).toString('hex'));
