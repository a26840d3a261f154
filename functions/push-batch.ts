import { type PushedChange, pushEvent, type Subscription, subscriptionOf } from '../shared/core/push.ts';
import type { Permissions } from '../shared/core/roles.ts';
import type { Connection } from '../shared/ports/connections.ts';
import type { PushMedia } from '../shared/schema/push.ts';
import type { Deps } from './deps.ts';
import { claimTags } from './pipeline/authenticate.ts';
import { heldNow } from './pipeline/authorize.ts';
import { messageOf, type PushMessage } from './push-message.ts';
import { once, readingOnce } from './reading-once.ts';

/** What listeners have in common at one moment, each worked out for the first who needs it. */
export interface Shared {
  subscription(connection: Connection): Subscription;
  /** @throws as `heldNow` */
  rights(connection: Connection): Promise<Permissions[]>;
  message(change: PushedChange, media: PushMedia): PushMessage;
}

/** Of rights and times as they are now: it is made anew for each batch of changes, and not kept for long. */
export function sharedNow(deps: Pick<Deps, 'store' | 'clock'>): Shared {
  const now = deps.clock.now();
  const store = readingOnce(deps.store);
  const subscriptions = once<Subscription>();
  const rights = once<Promise<Permissions[]>>();
  const messages = new Map<PushedChange, (media: string, write: () => PushMessage) => PushMessage>();
  return {
    subscription: connection => {
      const { namespace, recursive, config } = connection;
      return subscriptions(JSON.stringify([namespace, recursive, config]), () =>
        subscriptionOf(connection, config, now),
      );
    },
    rights: ({ claims, address, namespace }) =>
      rights(JSON.stringify([claims, address, namespace]), () =>
        heldNow(claims, { claims: claimTags(claims), address }, namespace, { ...deps, store }),
      ),
    message: (change, media) => {
      const written = messages.get(change) ?? once<PushMessage>();
      messages.set(change, written);
      return written(media, () => messageOf(pushEvent(change, now), media));
    },
  };
}
