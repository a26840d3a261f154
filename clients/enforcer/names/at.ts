import type { SideDecision } from '../../../shared/core/decision.ts';
import type { HostPolicy } from '../data-plane.ts';
import { singleAddress } from '../policy/addresses.ts';

/** Names that lead to an address. */
export function namesAt(names: HostPolicy['names'], address: string): string[] {
  const text = singleAddress(address)?.text;
  return [...names].flatMap(([name, addresses]) =>
    addresses.some(one => singleAddress(one)?.text === text) ? [name] : [],
  );
}

const weight = ({ verdict, by }: SideDecision): number => ('rule' in by ? (verdict === 'reject' ? 2 : 1) : 0);

/** Of what is decided by the address alone and by each name that leads to it: a rule before none, and reject before allow. */
export function decisive(
  decide: (name: string | undefined) => SideDecision,
  names: readonly string[],
): SideDecision {
  return [undefined, ...names].map(decide).reduce((a, b) => (weight(b) > weight(a) ? b : a));
}
