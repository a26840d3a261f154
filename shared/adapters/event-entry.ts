import type { BusEvent } from '../schema/event.ts';
import { fail } from '../schema/failure.ts';

/** EventBridge's limit for one entry. */
const LARGEST = 256 * 1024;

/** The event as text; `too_large` beyond what the bus takes. */
export function entryText(event: BusEvent): string {
  const text = JSON.stringify(event);
  const bytes = Buffer.byteLength(text);
  if (bytes <= LARGEST) return text;
  throw fail('too_large', `an event of ${bytes} bytes; at most ${LARGEST} go on the bus`);
}
