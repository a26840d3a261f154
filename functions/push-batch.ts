import type { Budget } from '../shared/core/filter/pattern.ts';
import {
  listeningBudget,
  type PushedChange,
  pushEvent,
  type Subscription,
  subscriptionOf,
} from '../shared/core/push.ts';
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
  /** @throws `bad_request` where the patterns of its caller take too long */
  subscription(connection: Connection): Subscription;
  /** @throws as `heldNow` */
  rights(connection: Connection): Promise<Permissions[]>;
  message(change: PushedChange, media: PushMedia): PushMessage;
}

/** Whose patterns share a budget: nobody gets more by listening more often. Without filters nobody needs any. */
const listenerOf = ({ claims, config }: Connection): string => {
  if (Object.keys(config.filters).length === 0) return '';
  return JSON.stringify([claims.realm, claims.sub, 'namespace' in claims ? claims.namespace : '']);
};

/** Of rights and times as they are now: it is made anew for each batch of changes, and not kept for long. */
export function sharedNow(deps: Pick<Deps, 'store' | 'clock'>): Shared {
  const now = deps.clock.now();
  const store = readingOnce(deps.store);
  const subscriptions = once<Subscription>();
  const budgets = once<Budget>();
  const rights = once<Promise<Permissions[]>>();
  const messages = new Map<PushedChange, (media: string, write: () => PushMessage) => PushMessage>();
  return {
    subscription: connection => {
      const { namespace, recursive, config } = connection;
      const listener = listenerOf(connection);
      return subscriptions(JSON.stringify([listener, namespace, recursive, config]), () =>
        subscriptionOf(connection, config, now, budgets(listener, listeningBudget)),
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
