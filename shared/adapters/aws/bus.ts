import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { Bus } from '../../ports/bus.ts';
import { fail } from '../../schema/failure.ts';
import { entryText } from '../event-entry.ts';
import { type Connection, call, clientConfig } from './client.ts';

export interface BusOptions extends Connection {
  busName: string;
}

/** The envelope's `id` is EventBridge's to give: consumers tell duplicates apart by what is in the detail. */
export function openBus(options: BusOptions): Bus {
  const client = new EventBridgeClient(clientConfig(options));
  return {
    async publish(event) {
      entryText(event);
      const entry = {
        EventBusName: options.busName,
        Source: event.source,
        DetailType: event['detail-type'],
        Detail: JSON.stringify(event.detail),
        Time: new Date(event.time),
      };
      const { Entries } = await call('EventBridge', () =>
        client.send(new PutEventsCommand({ Entries: [entry] })),
      );
      const refused = Entries?.find(({ ErrorCode }) => ErrorCode !== undefined);
      if (refused)
        throw fail(
          'unavailable',
          `EventBridge did not take a ${entry.DetailType} (${refused.ErrorCode}: ${refused.ErrorMessage}); try again in a moment`,
        );
    },
  };
}
