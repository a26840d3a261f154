import type { HostPolicy } from '../data-plane.ts';
import { singleAddress } from '../policy/addresses.ts';

/** Address → names that lead there: every flow asks for it, and names seldom change. */
const INDEXES = new WeakMap<HostPolicy['names'], ReadonlyMap<string, readonly string[]>>();

function indexOf(names: HostPolicy['names']): ReadonlyMap<string, readonly string[]> {
  const index = new Map<string, string[]>();
  for (const [name, addresses] of names)
    for (const text of new Set(addresses.map(address => singleAddress(address)?.text))) {
      if (text === undefined) continue;
      const known = index.get(text);
      if (known) known.push(name);
      else index.set(text, [name]);
    }
  return index;
}

/** Names that lead to an address, in their order. `names` is another map where they lead elsewhere. */
export function namesAt(names: HostPolicy['names'], address: string): string[] {
  const index = INDEXES.get(names) ?? indexOf(names);
  INDEXES.set(names, index);
  return [...(index.get(singleAddress(address)?.text ?? '') ?? [])];
}
