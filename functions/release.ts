import { ROOT } from '../shared/schema/ids.ts';
import type { Hooks } from './crud.ts';

/** One catalogue for the installation: its administrators say what may run on everybody's hosts. */
export const releaseHooks: Hooks<'enforcerrelease'> = {
  warn: ({ namespace }) =>
    namespace === ROOT ? [] : [`only releases in / are published; this one in ${namespace} has no effect`],
};
