import { MINE } from '../policy/loom.ts';
import { type Chain, TALLY } from '../policy/model.ts';

/**
 * The number of the policy that let a connection through stands in its mark: in the lower half for what its destination
 * here decided, in the upper for its source. A connection with another number is decided anew with its next packet,
 * so that what a change forbids ends with the change, and what it does not goes on.
 */
export type Epoch = number;
const EPOCHS = { first: 0x1001, last: 0xffff } as const;

/** Small numbers and whole bytes are left out: those are what other programs number connections with. */
export function nextEpoch(epoch: Epoch): Epoch {
  const next = epoch < EPOCHS.first || epoch >= EPOCHS.last ? EPOCHS.first : epoch + 1;
  return next % 256 === 0 ? next + 1 : next;
}

/** For rules that go on from none. `chance`: from 0 to 1, and another each time, so that connections of earlier rules are decided anew. */
export const firstEpoch = (chance: number): Epoch =>
  nextEpoch(EPOCHS.first + Math.floor(chance * (EPOCHS.last - EPOCHS.first)));

/** What tells connections that were let through from those that have to be decided anew. */
export interface Standing {
  epoch: Epoch;
  /**
   * Peers about whom something changed within the epoch: their connections are decided anew, all others go on without.
   * So a change of a few peers leaves all chains as they are, and the kernel does not walk through them to check them.
   * While there are any, each packet pays for the look whether its peer is one: see `settled`.
   */
  fresh: ReadonlySet<string>;
}

/** No policy let anything through yet. */
export const NOTHING: Standing = { epoch: 0, fresh: new Set() };

/** More of them are a new epoch. */
export const MOST_FRESH = 1000;
export const FRESH = { 4: 'fresh4', 6: 'fresh6' } as const;

type Way = keyof typeof MINE;

const HALVES = {
  in: { mine: MINE.in, other: MINE.out, shift: 1 },
  out: { mine: MINE.out, other: MINE.in, shift: 65_536 },
} as const;

/** Where the peer stands in a packet that goes in a connection's direction, and in one that answers. */
const PEERS = { in: ['saddr', 'daddr'], out: ['daddr', 'saddr'] } as const;

/**
 * What a packet of a connection that goes on meets first, and nothing else; without rules while there are fresh peers. Of
 * what is forwarded, by the half that is asked; of this host's own, by its hook, both ways at once: of a connection that
 * somebody opened to the host, what comes asks and what goes answers.
 */
export const GOES_ON = { in: 'est_in', out: 'est_out', input: 'est_input', output: 'est_output' } as const;

const markOf = (way: Way, epoch: Epoch): string =>
  `0x${(epoch * HALVES[way].shift).toString(16).padStart(8, '0')}`;

const matchOf = (way: Way, epoch: Epoch): string =>
  `ct mark and ${HALVES[way].mine} == ${markOf(way, epoch)} ct state new,established`;

/** The chains that know the epoch. */
export function epochChains({ epoch, fresh }: Standing): Map<string, Chain> {
  const goOn = ([asks, answers]: readonly [Way, Way]): Chain => ({
    rules:
      fresh.size > 0
        ? []
        : [
            `ct direction original ${matchOf(asks, epoch)} accept`,
            `ct direction reply ${matchOf(answers, epoch)} accept`,
          ],
  });
  return new Map([
    [GOES_ON.input, goOn(['in', 'out'])],
    [GOES_ON.output, goOn(['out', 'in'])],
    ...(['in', 'out'] as const).flatMap((way): [string, Chain][] => {
      const { other } = HALVES[way];
      const mark = markOf(way, epoch);
      const [there, back] = PEERS[way];
      const goesOn = matchOf(way, epoch);
      // For marks other than none.
      const unlessFresh = (peer: string): Chain => ({
        rules: [
          `${goesOn} ip ${peer} != @${FRESH[4]} accept`,
          `${goesOn} ip6 ${peer} != @${FRESH[6]} accept`,
          // Related connections come with the mark of another.
          'ct state related meta l4proto { icmp, ipv6-icmp } accept',
        ],
      });
      return [
        [GOES_ON[way], { rules: fresh.size === 0 ? [`${goesOn} accept`] : [] }],
        [`fresh_${way}`, unlessFresh(there)],
        [`fresh_${way}_r`, unlessFresh(back)],
        // The second rule is for packets without a connection, which have no mark.
        [`yes_${way}`, { rules: [`ct mark set ct mark and ${other} or ${mark} accept`, 'accept'] }],
        // What is let through for a reason that is counted: its number is the packet's priority.
        [`told_${way}`, { rules: [`meta priority @${TALLY} goto yes_${way}`, `goto yes_${way}`] }],
        [`no_${way}`, { rules: [`ct mark set ct mark and ${other} drop`, 'drop'] }],
      ];
    }),
  ]);
}
