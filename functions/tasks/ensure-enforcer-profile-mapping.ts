import { z } from 'zod';
import { enforcerprofilemappingpolicy } from '../../shared/schema/enforcerprofilemappingpolicy.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { ensureObject } from '../ensure-object.ts';
import { Called, task } from './task.ts';

const Input = z.strictObject({ ...Called, namespace: NamespacePath });

/** Gives the default profile to every enforcer of the account; as a fallback, so that any other mapping goes before it. */
export const ensureEnforcerProfileMapping = task(Input, async ({ execution, namespace }, deps) => {
  const input = enforcerprofilemappingpolicy.input.parse({
    name: 'default',
    description: 'Made when the account was onboarded',
    subject: [['$identity=enforcer']],
    object: [['enforcerprofile=default']],
    propagate: true,
    fallback: true,
  });
  const mapping = await ensureObject('enforcerprofilemappingpolicy', namespace, input, execution, deps);
  return { ID: mapping.ID };
});
