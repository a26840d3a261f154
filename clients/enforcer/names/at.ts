import type { HostPolicy } from '../data-plane.ts';
import { singleAddress } from '../policy/addresses.ts';

/** Names that lead to an address. */
export function namesAt(names: HostPolicy['names'], address: string): string[] {
  const text = singleAddress(address)?.text;
  return [...names].flatMap(([name, addresses]) =>
    addresses.some(one => singleAddress(one)?.text === text) ? [name] : [],
  );
}
