import { fail } from '../schema/failure.ts';
import type { TagClass } from './clause-table.ts';
import type { Direction } from './decision.ts';
import type { NetworkSet } from './holding-networks.ts';
import type { Traffic } from './ports.ts';
import type { Outcome, RuleIndex } from './rule-index.ts';

/** Bounds of what one namespace's policy remembers; past one of them it forgets and starts anew. */
const KEPT_OUTCOMES = 65_536;
/** The same of a policy at rest. */
const KEPT_AT_REST = 4096;
const KEPT_WEIGHT = 1_000_000;
/** Outcomes of smaller indexes are found again sooner than remembered. */
const WORTH_REMEMBERING = 64;
/** What an index without rules weighs, in entries. */
const EMPTY_WEIGHT = 64;

type Deciding = Pick<RuleIndex, 'decide'>;

/** By the classes of the peer and by traffic. */
type Outcomes = Map<number, Map<number, Outcome>>;

/** What decides about one class of subjects. `outcomes`: undefined when deciding again is as fast. */
interface Known {
  index: Deciding;
  outcomes: Outcomes | undefined;
}

const isUpTo = (value: number, highest: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= highest;

/** A number for the traffic, so that outcomes can be remembered by it. */
function trafficKey(traffic: Traffic): number {
  const { kind, protocol } = traffic;
  const [form, value, valid] =
    kind === 'ports'
      ? [0, traffic.port, isUpTo(traffic.port, 65_535)]
      : kind === 'icmp'
        ? [0, traffic.type * 256 + traffic.code, isUpTo(traffic.type, 255) && isUpTo(traffic.code, 255)]
        : [1, 0, true];
  if (!valid || !isUpTo(protocol, 255))
    throw fail(
      'invalid',
      `no packet carries ${JSON.stringify(traffic)}; ports go up to 65535, all the rest up to 255`,
    );
  return (form * 256 + protocol) * 65_536 + value;
}

/** What depends only on the classes of subject and peer, within bounds. */
export class Remembered {
  #known: Record<Direction, Map<number, Known>> = { incoming: new Map(), outgoing: new Map() };
  #weight = 0;
  #outcomes = 0;
  #most = KEPT_OUTCOMES;

  /** What decides about a class of subjects. */
  about(subject: TagClass, direction: Direction): Known | undefined {
    return this.#known[direction].get(subject.id);
  }

  /** A whole index counts by its weight. */
  keep(subject: TagClass, direction: Direction, index: RuleIndex | Deciding): Known {
    const known = this.#weighed(index);
    this.#known[direction].set(subject.id, known);
    return known;
  }

  #weighed(index: RuleIndex | Deciding): Known {
    if (!('weight' in index)) return { index, outcomes: new Map() };
    const weight = index.weight + EMPTY_WEIGHT;
    if (this.#weight + weight > KEPT_WEIGHT) this.forget();
    this.#weight += weight;
    return { index, outcomes: index.weight > WORTH_REMEMBERING ? new Map() : undefined };
  }

  decide({ index, outcomes }: Known, peer: TagClass, set: NetworkSet, traffic: Traffic): Outcome {
    const pair = peer.id * 2 ** 26 + set.id;
    const key = trafficKey(traffic);
    const known = outcomes?.get(pair)?.get(key);
    if (known) return known;
    const outcome = index.decide(peer, set.classes, traffic);
    if (outcomes) this.#remember(outcomes, pair, key, outcome);
    return outcome;
  }

  #remember(outcomes: Outcomes, pair: number, key: number, outcome: Outcome): void {
    if (++this.#outcomes > this.#most) this.forget();
    const byTraffic = outcomes.get(pair);
    if (byTraffic) byTraffic.set(key, outcome);
    else outcomes.set(pair, new Map([[key, outcome]]));
  }

  /** Forgets, and remembers less from now on. */
  rest(): void {
    this.#most = KEPT_AT_REST;
    this.forget();
  }

  forget(): void {
    this.#known = { incoming: new Map(), outgoing: new Map() };
    this.#weight = 0;
    this.#outcomes = 0;
  }
}
