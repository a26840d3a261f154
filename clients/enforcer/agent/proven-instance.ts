import type { Clock } from '../clock.ts';
import type { Cloud } from './cloud.ts';
import type { Description } from './description.ts';
import { identityToken } from './session.ts';

/** The EC2 instance that the host is, and what proves it, as far as either can be had now: other things are told all the same. */
export async function provenInstance(
  api: string,
  cloud: Cloud | undefined,
  clock: Clock,
): Promise<Pick<Description, 'instance' | 'instanceToken'>> {
  const instance = await cloud?.instance().catch(() => undefined);
  if (!cloud || !instance) return {};
  const instanceToken = await identityToken(api, cloud, clock).catch(() => undefined);
  return { instance, ...(instanceToken ? { instanceToken } : {}) };
}
