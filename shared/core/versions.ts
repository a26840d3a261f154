import { compare, gt, prerelease, valid } from 'semver';
import type { EnforcerRelease } from '../schema/enforcerrelease.ts';
import { fail } from '../schema/failure.ts';

type Release = Pick<EnforcerRelease, 'version' | 'withdrawn'>;

/** Oldest first. */
export const inOrder = <R extends Release>(releases: readonly R[]): R[] =>
  [...releases].sort((a, b) => compare(a.version, b.version));

/** Said by an enforcer or a person → as releases are named; undefined for what is no version. */
export const normalVersion = (said: string): string | undefined => valid(said) ?? undefined;

export const isNewer = (a: string, b: string): boolean => {
  const [one, other] = [normalVersion(a), normalVersion(b)];
  return one !== undefined && (other === undefined || gt(one, other));
};

/**
 * The release that is meant: `latest` or nothing is the highest that is neither withdrawn nor a prerelease, `namespace`
 * is what the namespace says, a version is itself. Precedence is that of Semantic Versioning 2.0.0, clause 11.
 *
 * @throws `invalid` when there is none, naming those that there are
 */
export function resolveVersion<R extends Release>(
  wanted: string,
  releases: readonly R[],
  namespaceVersion = '',
): R {
  const said = wanted === 'namespace' ? namespaceVersion : wanted;
  const usable = inOrder(releases).filter(({ withdrawn }) => !withdrawn);
  const named = normalVersion(said);
  const found =
    said === '' || said === 'latest'
      ? usable.findLast(({ version }) => prerelease(version) === null)
      : usable.find(({ version }) => version === named);
  if (found) return found;
  const withdrawn = releases.some(release => release.version === named && release.withdrawn);
  const known = usable.slice(-10).map(({ version }) => version);
  const there = known.length === 0 ? 'there are no releases yet' : `there are ${known.join(', ')}`;
  throw fail(
    'invalid',
    `version \`${said || 'latest'}\` ${withdrawn ? 'was withdrawn' : 'is not known'}; ${there}`,
    {
      attribute: 'targetVersion',
      value: wanted,
    },
  );
}
