import { briefly } from '../shared/core/push.ts';
import { FAILURES, type Failure } from '../shared/schema/failure.ts';
import { LISTENING, type PushEvent, type PushMedia } from '../shared/schema/push.ts';
import { identityNamed, resourceOf } from '../shared/schema/resources.ts';
import { fromMsgpack, toMsgpack } from './pipeline/msgpack.ts';

/** Text frames carry JSON, binary ones msgpack. */
export type PushMessage = string | Uint8Array;

/** Levels of a configuration. */
const DEEPEST = 8;

/** As the original's: the object is msgpack of its own, held as bytes; points in time are timestamps. */
function packed({ entity, timestamp, ...rest }: PushEvent): Uint8Array {
  const identity = identityNamed(rest.identity);
  return toMsgpack({
    ...rest,
    encoding: 'application/msgpack',
    entity: toMsgpack(entity, identity && resourceOf(identity).stored),
    timestamp: new Date(timestamp),
  });
}

const written = (event: PushEvent, media: PushMedia): PushMessage =>
  media === 'application/json' ? JSON.stringify(event) : packed(event);

/** API Gateway has no binary frames: bytes go as base64 there, and everywhere no more of them than fit there. */
const lengthOf = (message: PushMessage): number =>
  typeof message === 'string' ? Buffer.byteLength(message) : Math.ceil(message.length / 3) * 4;

/** The event as it is sent, with as much of its object as a message may hold. */
export function messageOf(event: PushEvent, media: PushMedia): PushMessage {
  const whole = written(event, media);
  return lengthOf(whole) <= LISTENING.messageBytes ? whole : written(briefly(event), media);
}

/** A refusal as an event: the original's error in it, and each of its parts. */
export const errorEvent = ({ kind, message, details }: Failure, now: Date): PushEvent => ({
  entity: {
    ...FAILURES[kind],
    description: message,
    subject: 'microseg',
    errors: details.map(({ description }) => description),
  },
  identity: 'error',
  type: 'error',
  timestamp: now.toISOString(),
  encoding: 'application/json',
});

/** What a client said in msgpack: in a binary frame, or as base64 in a text frame where there are no others. */
export const unpacked = (message: PushMessage): unknown =>
  fromMsgpack(typeof message === 'string' ? Buffer.from(message, 'base64') : Buffer.from(message), DEEPEST);
