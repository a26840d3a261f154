import type { PresetAnswer, PresetRequest } from '../shared/api/enforcer-messages.ts';
import { newObject, normalizedTags } from '../shared/core/object.ts';
import { PRESETS } from '../shared/core/presets.ts';
import { type ChosenProfile, profileOf } from '../shared/core/profile.ts';
import { grants } from '../shared/core/roles.ts';
import type { ObjectStore, Write } from '../shared/ports/object-store.ts';
import type { EnforcerProfile } from '../shared/schema/enforcerprofile.ts';
import type { EnforcerProfileMappingPolicy } from '../shared/schema/enforcerprofilemappingpolicy.ts';
import { fail } from '../shared/schema/failure.ts';
import { lineage, type NamespacePath } from '../shared/schema/ids.ts';
import type { Identity, InputOf, ObjectOf } from '../shared/schema/resources.ts';
import type { Tag } from '../shared/schema/tag.ts';
import { activity } from './activity.ts';
import type { Call, Handler } from './call.ts';
import type { Deps } from './deps.ts';
import { idOf } from './ensure-object.ts';
import { everyIn } from './pipeline/authorize.ts';

type Kind = 'enforcerprofile' | 'enforcerprofilemappingpolicy';

/** Objects that apply in a namespace: its own, and its ancestors' that propagate. */
async function applying<I extends Kind>(store: ObjectStore, identity: I, namespace: NamespacePath) {
  const lists = await Promise.all(lineage(namespace).map(path => everyIn(store, identity, path)));
  return lists.flat().filter(object => object.namespace === namespace || object.propagate);
}

/** Which profile enforcers with these tags have in the namespace, and why; undefined without any. */
export async function chosenProfile(
  tags: readonly Tag[],
  namespace: NamespacePath,
  store: ObjectStore,
): Promise<ChosenProfile<EnforcerProfile & { tags: Tag[] }, EnforcerProfileMappingPolicy> | undefined> {
  const [profiles, mappings] = await Promise.all([
    applying(store, 'enforcerprofile', namespace),
    applying(store, 'enforcerprofilemappingpolicy', namespace),
  ]);
  return profileOf(
    tags,
    mappings.filter(({ disabled }) => !disabled),
    profiles.map(profile => ({ ...profile, tags: normalizedTags('enforcerprofile', profile) })),
  );
}

/** One object of a preset, under an ID that follows from its name: applied again, it is the one that is there. */
async function ensured<I extends Identity>(
  identity: I,
  input: InputOf<I> & { name: string },
  call: Call,
  deps: Deps,
): Promise<{ object: ObjectOf<I>; writes: Write[] }> {
  const namespace = call.lineage.at(-1);
  if (!namespace) throw fail('invalid', 'no enforcers live in /; apply the preset in a namespace below');
  if (!call.held.some(held => grants(held, identity, 'post'))) {
    throw fail('forbidden', `you may not post ${identity} in ${call.namespace}`);
  }
  const id = idOf(namespace, identity, input.name);
  const there = await deps.store.get({ resource: identity, namespace: call.namespace, id });
  if (there) return { object: there, writes: [] };
  const object = newObject(identity, input, { id, namespace: call.namespace, now: deps.clock.now() });
  return {
    object,
    writes: [
      { kind: 'create', resource: identity, object },
      activity(identity, 'create', call, deps, { after: object }),
    ],
  };
}

/** Profile and mapping in one transaction, once however often it is applied. */
export const applyPreset: Handler = async (call, deps) => {
  const { name } = call.body as PresetRequest;
  const { profile, mapping } = PRESETS[name];
  const made = await ensured('enforcerprofile', profile, call, deps);
  const mapped = await ensured('enforcerprofilemappingpolicy', mapping, call, deps);
  const writes = [...made.writes, ...mapped.writes];
  if (writes.length > 0) {
    await deps.store.commit([{ kind: 'require', namespace: call.namespace }, ...writes]);
  }
  const body: PresetAnswer = {
    name,
    applied: writes.length > 0,
    profileID: made.object.ID,
    mappingID: mapped.object.ID,
  };
  return { body };
};
