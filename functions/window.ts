import { type TimeWindow, timeWindow } from '../shared/core/time-window.ts';
import type { Call } from './call.ts';
import type { Deps } from './deps.ts';

const NAMES = ['startabsolute', 'endabsolute', 'startrelative', 'endrelative'];

/** The window of time that a request asks for. */
export const windowOf = ({ query }: Call, { clock }: Pick<Deps, 'clock'>): TimeWindow =>
  timeWindow(Object.fromEntries(NAMES.map(name => [name, query[name]?.at(-1)])), clock.now());
