import { z } from 'zod';
import { enforcerprofile } from '../../shared/schema/enforcerprofile.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { ensureObject } from '../ensure-object.ts';
import { Called, task } from './task.ts';

const Input = z.strictObject({ ...Called, namespace: NamespacePath });

/** The profile of every enforcer in the account that no other profile is mapped to. */
export const ensureEnforcerProfile = task(Input, async ({ execution, namespace }, deps) => {
  const input = enforcerprofile.input.parse({
    name: 'default',
    description: 'Made when the account was onboarded',
    associatedTags: ['enforcerprofile=default'],
    propagate: true,
  });
  const profile = await ensureObject('enforcerprofile', namespace, input, execution, deps);
  return { ID: profile.ID };
});
