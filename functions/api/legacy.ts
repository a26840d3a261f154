import { crud } from '../crud.ts';

const NETWORK_POLICY =
  'network policies are deprecated and have no effect; convert them to rulesets with `apoctl convert` or POST /conversions';
const HOST_SERVICE =
  'host services are deprecated and have no effect; write a ruleset for the host, as `apoctl convert` or POST /conversions shows';

/** Writes are taken, and answered with what to do instead. */
export const legacy = {
  ...crud('networkaccesspolicy', { warn: () => [NETWORK_POLICY] }),
  ...crud('hostservice', { warn: () => [HOST_SERVICE] }),
  ...crud('hostservicemappingpolicy', { warn: () => [HOST_SERVICE] }),
};
