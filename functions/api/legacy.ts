import type { Handler } from '../call.ts';
import { crud } from '../crud.ts';

/** A write of something legacy is taken, and answered with what to do instead. */
function warned<O extends string>(handlers: Record<O, Handler>, warning: string): Record<O, Handler> {
  const warn =
    (handler: Handler): Handler =>
    async (call, deps) => {
      const reply = await handler(call, deps);
      return { ...reply, messages: [...(reply.messages ?? []), warning] };
    };
  const all = Object.entries<Handler>(handlers).map(([operation, handler]): [string, Handler] => [
    operation,
    /^(create|update|patch)/.test(operation) ? warn(handler) : handler,
  ]);
  return Object.fromEntries(all) as Record<O, Handler>;
}

const NETWORK_POLICY =
  'network policies are deprecated and have no effect; convert them to rulesets with POST /conversions';
const HOST_SERVICE =
  'host services are deprecated and have no effect; write a ruleset for the host, as POST /conversions shows';

export const legacy = {
  ...warned(crud('networkaccesspolicy'), NETWORK_POLICY),
  ...warned(crud('hostservice'), HOST_SERVICE),
  ...warned(crud('hostservicemappingpolicy'), HOST_SERVICE),
};
