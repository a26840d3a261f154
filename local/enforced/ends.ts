import { fail } from '../../shared/schema/failure.ts';
import { ENFORCERS, FLOWS, UNITS } from '../scenario.ts';

/** Somebody who may be at an end of a flow: a host of its own, with one address. */
export interface End {
  /** As in the scenario: a unit's name, or an address. */
  name: string;
  /** Name of the host, for its network namespace. */
  host: string;
  address: string;
  /** The unit, and whether its host has an agent. */
  unit?: (typeof UNITS)[number];
  isEnforced: boolean;
}

const outside = [...new Set(FLOWS.flatMap(({ from, to }) => [from, to]))].filter(
  name => !UNITS.some(unit => unit.name === name),
);

export const ENDS: readonly End[] = [
  ...UNITS.map(unit => ({
    name: unit.name,
    host: unit.name,
    address: unit.address,
    unit,
    isEnforced: ENFORCERS.some(({ namespace }) => namespace === unit.namespace),
  })),
  ...outside.map((address, at) => ({ name: address, host: `outside${at + 1}`, address, isEnforced: false })),
];

export const PORTS: readonly number[] = [443, 22, 5432];

/**
 * What the shop's owner wants, said once more without rulesets: these connections and no others. What the matrix compares
 * with; nothing is computed from policy.
 */
const WANTED: readonly (readonly [from: string, to: string, port: number])[] = [
  ['198.51.100.7', 'web-1', 443],
  ['10.20.1.1', 'web-1', 22],
  ['web-1', 'db-1', 5432],
];

/** One connection of the matrix. */
export interface Connection {
  from: End;
  to: End;
  port: number;
  wanted: 'allow' | 'reject';
}

/** Every connection between two ends of which one has an agent: about all others nobody decides. */
export const CONNECTIONS: readonly Connection[] = PORTS.flatMap(port =>
  ENDS.flatMap(from =>
    ENDS.filter(to => to !== from && (from.isEnforced || to.isEnforced)).map((to): Connection => {
      const isWanted = WANTED.some(([a, b, p]) => a === from.name && b === to.name && p === port);
      return { from, to, port, wanted: isWanted ? 'allow' : 'reject' };
    }),
  ),
);

/** The scenario's own flows are among them, and it wants the same. */
export function checkScenario(): void {
  for (const flow of FLOWS) {
    const found = CONNECTIONS.find(
      ({ from, to, port }) =>
        from.name === flow.from &&
        to.name === flow.to &&
        flow.traffic.kind === 'ports' &&
        flow.traffic.port === port,
    );
    if (found?.wanted !== flow.wanted)
      throw fail('invalid', `the matrix says otherwise of ${flow.from} → ${flow.to}`);
  }
}
