import { namespaceDeleted } from '../../functions/events/namespace-deleted.ts';
import { type FedOptions, fedBy } from './fed-workflow.ts';

/** What removes namespaces that were hidden. */
export const purging = (options: FedOptions) => fedBy('delete-namespace', namespaceDeleted, options);
