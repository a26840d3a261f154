import type { Bundles } from './code.ts';
import type { DataStack } from './data.ts';
import type { Values } from './function.ts';
import type { Settings } from './settings.ts';

/** What every part of the app stack is built from. */
export interface Parts {
  settings: Settings;
  data: DataStack;
  bundles: Bundles;
  values: Values;
}
