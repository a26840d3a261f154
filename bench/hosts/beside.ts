import { addressOf, FIRST_PORT } from './fixture.ts';

/** Pairs of hosts, by what stands between them. `again`: nothing either, to tell what is noise. */
export const PAIRS = {
  without: ['a', 'b'],
  again: ['c', 'd'],
  tracked: ['e', 'f'],
  least: ['g', 'h'],
  ruled: ['i', 'j'],
  sockets: ['k', 'l'],
} as const;
export type Pair = keyof typeof PAIRS;
/** Pairs that have rules, but none from an agent. */
type Beside = Exclude<Pair, 'without' | 'again' | 'ruled'>;

/** The look-up that no policy of this size can do without. */
const LOOK = 'ip PEER . tcp dport @allowed accept';

/** What both hooks have, by pair. `PEER`: the field that has the peer's address. */
const RULES: Readonly<Record<Beside, readonly string[]>> = {
  /** Asks for connection tracking, and decides nothing. */
  tracked: ['ct state established accept'],
  /** The least that lets connections of as many peers through, and nothing else but what belongs to them. */
  least: ['ct state established,related accept', 'ct state invalid drop', LOOK, 'drop'],
  /**
   * As little without connection tracking: who opens a connection is judged, and what belongs to a socket goes on. It
   * revokes nothing, counts and records nothing, and knows no UDP: what state costs, and not what takes its place.
   */
  sockets: [
    `tcp flags & (syn | ack | rst | fin) == syn ${LOOK}`,
    'socket wildcard 0 accept',
    LOOK,
    `tcp sport ${FIRST_PORT} accept`,
    'drop',
  ],
};
const HOOKS = { input: 'saddr', output: 'daddr' } as const;

/**
 * Scripts for nft, by pair. They let in and out whom the rulesets do, the hosts of a pair on the first port among them.
 * `peers`, `kinds`: how many of each the rulesets know.
 */
export function scriptsBeside(
  peers: number,
  kinds: number,
  addresses: (pair: Beside) => readonly string[],
): [Beside, string][] {
  const others = Array.from({ length: peers }, (_, at) => `${addressOf(at)} . ${FIRST_PORT + (at % kinds)}`);
  return (Object.keys(RULES) as Beside[]).map(pair => {
    const allowed = [...addresses(pair).map(address => `${address} . ${FIRST_PORT}`), ...others];
    const chains = Object.entries(HOOKS).map(
      ([hook, field]) => `chain ${hook} { type filter hook ${hook} priority 0
${RULES[pair].map(rule => `${rule.replace('PEER', field)}\n`).join('')}}
`,
    );
    return [
      pair,
      `table inet plain {
set allowed { type ipv4_addr . inet_service; elements = { ${allowed.join(', ')} }; }
${chains.join('')}}
`,
    ];
  });
}
