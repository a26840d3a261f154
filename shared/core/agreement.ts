import type { ReportedBundle } from '../schema/enforcer.ts';

/** What was published last for a namespace: `digest` of policy.json holds since the revision `since`, of the moment `changed`. */
export interface Published {
  revision: number;
  digest: string;
  since: number;
  changed: string;
}

/**
 * Whether what a host says that it enforces is what was published for it. `later`: it cannot be told yet, because the host is behind,
 * or ahead of what was noted. A claim without a digest agrees with nothing.
 */
export function agreement(
  { revision, policy }: Pick<ReportedBundle, 'revision' | 'policy'>,
  published: Published | undefined,
): 'agrees' | 'later' | 'differs' {
  if (!published || published.digest === '') return 'agrees';
  if (policy === published.digest) return 'agrees';
  const isComparable = revision >= published.since && revision <= published.revision;
  return isComparable ? 'differs' : 'later';
}
