import { z } from 'zod';

const Operation = z.enum(['create', 'update', 'delete']);

/** Singular, plural or alias; core/push.ts says what names nothing. */
const Identity = z.string().max(256);

/** What a client of `GET /events` wants to hear of, in the original's attributes; it may say so again at any time. */
export const PushConfig = z.strictObject({
  identities: z
    .record(Identity, z.array(Operation))
    .default({})
    .describe('Resource → operations; an empty list: all of them. Empty: every resource.'),
  filters: z
    .record(Identity, z.string().max(4096))
    .default({})
    .describe('Resource → filter that an object must pass: ==, !=, matches, exists, not exists, and, or.'),
  parameters: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('Taken from clients of the original; means nothing here.'),
});
export type PushConfig = z.infer<typeof PushConfig>;

/** One message to a client. */
export interface PushEvent {
  /** The object after the change, or before it was deleted; of an error, what an entry of an error body is, and `errors`. */
  entity: unknown;
  /** Singular; `error` for an error. */
  identity: string;
  type: 'create' | 'update' | 'delete' | 'error';
  /** RFC 3339 UTC. */
  timestamp: string;
  encoding: PushMedia;
}

/** How events are written, and configurations. */
export const PushMedia = z.enum(['application/json', 'application/msgpack']);
export type PushMedia = z.infer<typeof PushMedia>;

/**
 * What API Gateway allows a WebSocket, which both builds keep.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
 */
export const LISTENING = {
  /** Bytes of a message to a listener. */
  messageBytes: 128 * 1024,
  /** Bytes of a frame, and so of a message from a client that sends each in one. */
  frameBytes: 32 * 1024,
  /** Milliseconds for which a connection lasts at most. */
  longest: 2 * 60 * 60 * 1000,
  /** Milliseconds after which a connection ends over which no message went. */
  idle: 10 * 60 * 1000,
} as const;
