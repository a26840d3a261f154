import type { BusEvent } from '../schema/event.ts';

/** EventBridge: at least once, any order. */
export interface Bus {
  /** Durable when it resolves. */
  publish(event: BusEvent): Promise<void>;
}
