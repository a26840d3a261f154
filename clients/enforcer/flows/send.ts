import { fail } from '../../../shared/schema/failure.ts';

/** Brings a batch to the control plane; until it takes flow reports they wait in the spool. */
export async function sendFlows(): Promise<number> {
  throw fail('unavailable', 'the control plane takes no flow reports yet; they wait on disk');
}
