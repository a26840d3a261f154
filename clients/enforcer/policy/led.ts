import type { HostPolicy } from '../data-plane.ts';

type Names = HostPolicy['names'];

/** A DNS name of external networks, and addresses that it leads to. */
export interface Led {
  name: string;
  addresses: readonly string[];
}

const NOWHERE: readonly string[] = [];

/** Names that led to each address before and do no more, and the other way round: only addresses that differ. */
export function ledSince(before: Names, now: Names): { gone: Led[]; come: Led[] } {
  return before === now ? { gone: [], come: [] } : { gone: without(before, now), come: without(now, before) };
}

function without(names: Names, others: Names): Led[] {
  return [...names].flatMap(([name, addresses]) => {
    const there = new Set(others.get(name) ?? NOWHERE);
    const left = [...new Set(addresses)].filter(address => !there.has(address));
    return left.length === 0 ? [] : [{ name, addresses: left }];
  });
}
