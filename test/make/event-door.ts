import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startControlPlane } from '../../local/control-plane.ts';
import { jsonLog } from '../../local/log.ts';
import type { BusEvent } from '../../shared/schema/event.ts';

/**
 * The control plane as local/main.ts starts it, and one door more: its parent process publishes events on the bus,
 * which on AWS whoever holds the right does. Answers each message `{ id, events }` with `{ id }` once they are durable.
 */
const { data, port } = parseArgs({
  options: { data: { type: 'string', default: '' }, port: { type: 'string', default: '0' } },
}).values;
const plane = await startControlPlane({ data, host: '127.0.0.1', port: Number(port), log: jsonLog('WARN') });

const Message = z.object({ id: z.int(), events: z.array(z.custom<BusEvent>()) });
process.on('message', async (value: unknown) => {
  const { id, events } = Message.parse(value);
  await Promise.all(events.map(event => plane.bus.publish(event)));
  process.send?.({ id });
});
process.once('SIGTERM', () => plane.stop().then(() => process.exit(0)));
process.stdout.write(`the control plane listens on ${plane.url}\n`);
