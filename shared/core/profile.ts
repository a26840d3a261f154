import type { NamespacePath, ObjectId } from '../schema/ids.ts';
import type { Tag } from '../schema/tag.ts';
import { expressionMatches } from './tags.ts';

/** A profile as bundles carry it. `tags` are what mappings select it by. */
export interface ProfileEntry {
  ID: ObjectId;
  name: string;
  namespace: NamespacePath;
  tags: readonly Tag[];
}

export interface ProfileMappingEntry {
  ID: ObjectId;
  name: string;
  namespace: NamespacePath;
  fallback: boolean;
  subject: readonly (readonly Tag[])[];
  object: readonly (readonly Tag[])[];
  /** RFC 3339 UTC. */
  updateTime: string;
}

interface Candidate<P, M> {
  mapping: M;
  profile: P;
}

/** What set the winner apart from the next best. */
export type ProfileReason =
  | 'the only one'
  | 'nearest namespace'
  | 'not a fallback'
  | 'updated last'
  | 'lowest mapping ID'
  | 'nearest profile';

/** The profile of an enforcer, and why. `over` is the candidate that came next. */
export type ChosenProfile<P, M> =
  | { profile: P; mapping: M; because: 'the only one' }
  | { profile: P; mapping: M; because: Exclude<ProfileReason, 'the only one'>; over: Candidate<P, M> };

const depth = (path: string): number => (path === '/' ? 0 : path.split('/').length - 1);

const order = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** The rule, step by step; the first that tells two candidates apart decides. Below zero: `a` wins. */
const STEPS: readonly {
  because: Exclude<ProfileReason, 'the only one'>;
  compare: (
    a: Candidate<ProfileEntry, ProfileMappingEntry>,
    b: Candidate<ProfileEntry, ProfileMappingEntry>,
  ) => number;
}[] = [
  {
    because: 'nearest namespace',
    compare: (a, b) => depth(b.mapping.namespace) - depth(a.mapping.namespace),
  },
  { because: 'not a fallback', compare: (a, b) => Number(a.mapping.fallback) - Number(b.mapping.fallback) },
  { because: 'updated last', compare: (a, b) => order(b.mapping.updateTime, a.mapping.updateTime) },
  { because: 'lowest mapping ID', compare: (a, b) => order(a.mapping.ID, b.mapping.ID) },
  {
    because: 'nearest profile',
    compare: (a, b) =>
      depth(b.profile.namespace) - depth(a.profile.namespace) || order(a.profile.ID, b.profile.ID),
  },
];

type Compared = Candidate<ProfileEntry, ProfileMappingEntry>;

const deciding = (a: Compared, b: Compared) => STEPS.find(step => step.compare(a, b) !== 0);

/**
 * The profile of an enforcer with these tags, among the mappings and profiles that apply in its namespace.
 * Undefined when no mapping selects it together with a profile that is there.
 */
export function profileOf<P extends ProfileEntry, M extends ProfileMappingEntry>(
  enforcerTags: readonly Tag[],
  mappings: readonly M[],
  profiles: readonly P[],
): ChosenProfile<P, M> | undefined {
  const candidates = mappings
    .filter(mapping => expressionMatches(mapping.subject, enforcerTags))
    .flatMap(mapping =>
      profiles
        .filter(profile => expressionMatches(mapping.object, profile.tags))
        .map((profile): Candidate<P, M> => ({ mapping, profile })),
    )
    .sort((a, b) => deciding(a, b)?.compare(a, b) ?? 0);
  const [first, second] = candidates;
  if (!first) return undefined;
  const step = second && deciding(first, second);
  return step ? { ...first, because: step.because, over: second } : { ...first, because: 'the only one' };
}
