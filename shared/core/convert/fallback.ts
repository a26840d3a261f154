import type { Note } from './findings.ts';
import { isUncertain } from './halves.ts';
import type { LegacyPolicy } from './read.ts';

/**
 * Fallback policies count where no other policy applies. Where it is not certain to which processing units another
 * one applies, a fallback that allows is left out and one that rejects becomes a policy like others: never wider.
 */
export function settleFallbacks(
  policies: readonly LegacyPolicy[],
  above: readonly LegacyPolicy[],
  note: Note,
): { policies: LegacyPolicy[]; hasFallback: boolean } {
  const isFallback = ({ fallback, disabled }: LegacyPolicy): boolean => fallback && !disabled;
  const fallbackAbove = above.some(isFallback);
  const uncertain = [...policies, ...above].filter(isUncertain);
  const [first] = uncertain;
  if (!first) return { policies: [...policies], hasFallback: fallbackAbove || policies.some(isFallback) };
  if (fallbackAbove)
    for (const policy of policies.filter(isUncertain))
      note(
        'fallback-above',
        'open',
        policy,
        'it silenced the fallback policies of an ancestor for some processing units or at some times; compare decisions before and after',
      );
  const settled = policies.flatMap((policy): LegacyPolicy[] => {
    if (!isFallback(policy)) return [policy];
    const because = `whom \`${first.name}\` applies to is not certain`;
    const isReject = policy.action === 'Reject';
    note(
      'fallback-uncertain',
      'narrower',
      policy,
      isReject
        ? `${because}, so its rules now always count; set fallback on the ruleset when that is certain again`
        : `${because}, so it is left out; write a ruleset in its place when that is certain again`,
    );
    return isReject ? [{ ...policy, fallback: false }] : [];
  });
  return { policies: settled, hasFallback: fallbackAbove };
}
