import { fail } from '../../../shared/schema/failure.ts';
import { table } from '../../terminal.ts';
import { hostPolicy } from '../agent/host-policy.ts';
import type { Counted, Meaning } from '../data-plane.ts';
import { openDataPlane } from '../nft/plane.ts';
import { Renderer } from '../policy/renderer.ts';
import { held } from './held.ts';
import type { Io } from './program.ts';

const PAST = { allow: 'allowed', reject: 'rejected' } as const;

/** What a rule decided so far; without a meaning where the policy that it was of is gone. */
export interface Deed extends Counted {
  id: string;
  meaning?: Meaning;
}

const reasonOf = ({ rule, namespace, observed }: Meaning): string => {
  const by = rule
    ? `rule ${rule.index + 1}${rule.ruleName === '' ? '' : ` (${rule.ruleName})`} of ruleset \`${rule.name}\` in ${rule.namespace}`
    : `default action of ${namespace}`;
  return observed
    ? `${by}; would be ${PAST[observed.verdict]} if the observed ruleset \`${observed.rule.name}\` counted`
    : by;
};

/** Those that did most come first. */
export function deedsOf(
  counters: ReadonlyMap<string, Counted>,
  meaning: (id: string) => Meaning | undefined,
): Deed[] {
  return [...counters]
    .map(([id, counted]): Deed => {
      const found = meaning(id);
      return { id, ...counted, ...(found ? { meaning: found } : {}) };
    })
    .sort((a, b) => b.packets - a.packets || (a.id < b.id ? -1 : 1));
}

export function describeDeeds(deeds: readonly Deed[]): string {
  const rows = deeds.map(({ packets, bytes, meaning }) => [
    String(packets),
    String(bytes),
    meaning ? PAST[meaning.verdict] : '-',
    meaning?.direction ?? '-',
    meaning ? reasonOf(meaning) : 'a rule of an earlier policy',
  ]);
  return table(['packets', 'bytes', 'verdict', 'direction', 'by'], rows, 2);
}

/** What the kernel counted, with the rules of the policy on this host beside it. */
export async function rules(
  { state, json }: { state: string; json: boolean },
  { clock, isRoot, out }: Io,
): Promise<void> {
  if (!isRoot) throw fail('forbidden', 'only root looks into the kernel; run it as root');
  const { active } = await held(state, clock);
  if (!active)
    throw fail('not_found', `${state} holds no verified policy; run the agent first, or name its --state`);
  const plane = openDataPlane();
  if (!(await plane.isThere()))
    throw fail('not_found', 'the kernel holds no rules of an agent; look with prisma-enforcer status');
  const { meanings } = new Renderer().render(hostPolicy(active));
  const deeds = deedsOf(await plane.counters(), id => meanings.get(id));
  out(json ? `${JSON.stringify(deeds, undefined, 2)}\n` : describeDeeds(deeds));
}
