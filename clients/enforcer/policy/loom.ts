import { HIGHEST, LINES, type Line, type Outcome, type Outcomes } from '../../../shared/core/outcomes.ts';
import type { ParsedRule } from '../../../shared/core/rule-index.ts';
import type { Span } from '../../../shared/core/spans.ts';
import type { BundleNamespace } from '../../../shared/schema/bundle.ts';
import type { ObjectId } from '../../../shared/schema/ids.ts';
import { type Meaning, SNAPLEN } from '../data-plane.ts';
import { Ends } from './ends.ts';
import { type Chain, type Counters, packed, TALLY } from './model.ts';
import { digitsOf, type Numbers } from './numbers.ts';

/** What every decision of a unit in one direction shares. */
export interface Side {
  direction: 'incoming' | 'outgoing';
  namespace: BundleNamespace;
  /** Set for units that are told by their cgroup, whose flows' addresses don't tell them. */
  unit: ObjectId | undefined;
}

/** The half of a connection's mark that says which policy let it through; zero until one did. See nft/epoch.ts. */
export const MINE = { in: '0x0000ffff', out: '0xffff0000' } as const;

const WAY = { incoming: 'in', outgoing: 'out' } as const;

const verdictOf = (action: 'Allow' | 'Reject') => (action === 'Allow' ? 'allow' : 'reject');

function meaningOf({ enforced, observed }: Outcome, side: Side): Meaning {
  const fallback = side.namespace[side.direction];
  return {
    direction: side.direction,
    verdict: verdictOf(enforced ? enforced.action : fallback.action),
    ...(enforced ? { rule: enforced.ref } : {}),
    namespace: enforced ? enforced.ref.namespace : fallback.namespace,
    ...(observed ? { observed: { verdict: verdictOf(observed.action), rule: observed.ref } } : {}),
    ...(side.unit === undefined ? {} : { unit: side.unit }),
  };
}

const rangeText = ({ from, to }: { from: number; to: number }): string =>
  from === to ? String(from) : `${from}-${to}`;

const MATCH: Readonly<Record<Line, { protocol: string; key: string }>> = {
  // The port that is listened on, whichever way the packet goes: what the other end answers from.
  tcp: { protocol: 'meta l4proto tcp', key: 'ct reply proto-src' },
  udp: { protocol: 'meta l4proto udp', key: 'ct reply proto-src' },
  icmp: { protocol: 'meta l4proto icmp', key: '@th,0,16' },
  icmp6: { protocol: 'meta l4proto ipv6-icmp', key: '@th,0,16' },
  other: { protocol: '', key: 'meta l4proto' },
};

/** Answer → request. A reply is decided as what it answers. Source: the kernel's connection tracking of ICMP. */
const ANSWERS: Readonly<Partial<Record<Line, Readonly<Record<number, number>>>>> = {
  icmp: { 0: 8, 14: 13, 16: 15, 18: 17 },
  icmp6: { 129: 128, 140: 139 },
};

/** Few stretches are rules one by one; more of them are one look-up. */
const FEW = 3;

/** What is said to a kind of peer: so many rules, of which one always ends it. */
export interface Woven {
  /** Tells equal ones from others. */
  hash: string;
  size: number;
}

/** Rules, and what they lead to: names of chains, and numbers of ends that are counted. */
export interface Written {
  rules: readonly string[];
  ends: readonly string[];
}

/** What ends a flow's way through the rules. */
interface Terminal {
  /** Rules that stand in place. */
  rules: readonly string[];
  /** The chain that has them, for look-ups, which can only go to chains; made when it is asked for. */
  chain: () => string;
  /** Whether the chain is there for every policy. */
  isFixed: boolean;
  /** Absent: it is not counted. */
  number?: string;
  /** A chain is gone to in any case: its limit on what is logged holds for all that is rejected by one rule. */
  isShared: boolean;
}

type Rule = ParsedRule | undefined;

/** The map of maps' map of that key, which is made where there is none. */
function within<A, B, C>(maps: Map<A, Map<B, C>>, key: A): Map<B, C> {
  const known = maps.get(key);
  if (known) return known;
  const made = new Map<B, C>();
  maps.set(key, made);
  return made;
}

/** How many more ends than are needed may be remembered. */
const SPARE = { share: 1.25, least: 1000 };

/** Makes rules and chains out of outcomes; equal ones are one chain. */
export class Loom {
  /** What rules lead to. */
  readonly chains = new Map<string, Chain>();
  /** Those that are counted, and some that were. Another object where any were taken out. */
  ends = new Ends();
  /** Of each side, by the rules that decide: observed, which is seldom there, then enforced. */
  readonly #terminals = new Map<Side, Map<Rule, Map<Rule, Terminal>>>();
  /** By number, or by the chain that is there for every policy: equal ones are one. */
  readonly #ends = new Map<string, Terminal>();
  readonly #numbers: Numbers;
  readonly #logGroup: number;

  constructor(logGroup: number, numbers: Numbers) {
    this.#logGroup = logGroup;
    this.#numbers = numbers;
  }

  /** What a unit says to a peer about which these outcomes hold: rules in order. */
  rules(outcomes: Outcomes, side: Side): Written {
    const targets = LINES.map(line => this.#targets(outcomes[line], side));
    const most = commonest(targets);
    const ends = new Set<string>();
    for (const spans of targets) for (const { value } of spans) if (value.number) ends.add(value.number);
    const chainOf = ({ chain, isFixed }: Terminal): string => {
      const name = chain();
      if (!isFixed) ends.add(name);
      return name;
    };
    const rules = [
      ...LINES.flatMap((line, at) => ruleTexts(line, targets[at] ?? [], most, chainOf)),
      ...endTexts('', most, chainOf),
    ];
    return { rules, ends: [...ends] };
  }

  /** Where packets go that it is said to. `ends` learns what that leads to. */
  verdict({ hash }: Woven, written: Written, ends: Set<string>): string {
    for (const end of written.ends) ends.add(end);
    const [first = ''] = written.rules;
    if (written.rules.length === 1 && first.startsWith('goto ')) return first;
    const name = `c_${hash}`;
    this.chains.set(name, packed(written.rules));
    ends.add(name);
    return `goto ${name}`;
  }

  /**
   * Forgets what can be made again: after a policy is rendered it is seldom asked for. And what no rule leads to any more:
   * `chains` and `counters` are what some do.
   */
  rest(chains: ReadonlyMap<string, Chain>, counters: Counters): void {
    this.#terminals.clear();
    this.#ends.clear();
    for (const name of this.chains.keys()) if (!chains.has(name)) this.chains.delete(name);
    if (this.ends.size > SPARE.share * counters.size + SPARE.least) this.ends = this.ends.only(counters);
  }

  #targets(spans: readonly Span<Outcome>[], side: Side): Span<Terminal>[] {
    return spans.map(({ from, to, value }) => ({ from, to, value: this.#terminal(value, side) }));
  }

  #terminal(outcome: Outcome, side: Side): Terminal {
    const { enforced, observed } = outcome;
    const byRule = within(within(this.#terminals, side), observed);
    const known = byRule.get(enforced);
    if (known) return known;
    const end = this.#endOf(meaningOf(outcome, side), enforced?.logged ?? true, WAY[side.direction]);
    byRule.set(enforced, end);
    return end;
  }

  #endOf(meaning: Meaning, logged: boolean, way: 'in' | 'out'): Terminal {
    const isAllow = meaning.verdict === 'allow';
    const fixed = `${isAllow ? 'yes' : 'no'}_${way}`;
    const text = logged ? JSON.stringify(meaning) : '';
    const name = logged ? this.#numbers.of(`[${text}]`) : fixed;
    const known = this.#ends.get(name);
    if (known) return known;
    if (logged) this.ends.add(name, text);
    const made: Terminal = logged
      ? this.#counted(name, isAllow, way)
      : { rules: [`goto ${fixed}`], chain: () => fixed, isFixed: true, isShared: true };
    this.#ends.set(name, made);
    return made;
  }

  #counted(number: string, isAllow: boolean, way: 'in' | 'out'): Terminal {
    const id = digitsOf(number);
    const rules = isAllow
      ? allowed(id, number, way, this.#logGroup)
      : rejected(id, number, way, this.#logGroup);
    const chain = () => {
      const made = packed(rules);
      const name = `t_${made.hash}`;
      this.chains.set(name, made);
      return name;
    };
    return { rules, chain, isFixed: false, number, isShared: !isAllow };
  }
}

/** Only the first packet of a flow is reported and counted. `told_…` counts. */
const allowed = (id: string, number: string, way: 'in' | 'out', group: number): string[] => [
  `ct mark and ${MINE[way]} == 0x0 meta priority set ${number} ` +
    `log prefix "A:${id}:" group ${group} snaplen ${SNAPLEN} goto told_${way}`,
  `goto yes_${way}`,
];

/** Everything is counted; what is logged of a flood is limited. */
const rejected = (id: string, number: string, way: 'in' | 'out', group: number): string[] => [
  `meta priority set ${number} meta priority @${TALLY}`,
  `limit rate 1000/second burst 2000 packets log prefix "R:${id}:" group ${group} snaplen ${SNAPLEN}`,
  `goto no_${way}`,
];

/** The target that most of the traffic goes to: it needs no rule of its own. */
function commonest(lines: readonly (readonly Span<Terminal>[])[]): Terminal {
  const votes = new Map<Terminal, number>();
  for (const spans of lines) for (const { value } of spans) votes.set(value, (votes.get(value) ?? 0) + 1);
  return [...votes].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
}

/** Makes a terminal's chain, and tells its name. */
type ChainOf = (terminal: Terminal) => string;

/** What to do with packets that match: `match` ends in a blank, or is empty. */
const endTexts = (match: string, terminal: Terminal, chainOf: ChainOf): string[] =>
  terminal.isShared ? [`${match}goto ${chainOf(terminal)}`] : terminal.rules.map(rule => `${match}${rule}`);

function ruleTexts(
  line: Line,
  spans: readonly Span<Terminal>[],
  otherwise: Terminal,
  chainOf: ChainOf,
): string[] {
  const special = spans.filter(({ value }) => value !== otherwise);
  const [only] = special;
  if (!only) return [];
  const { protocol, key } = MATCH[line];
  const start = protocol === '' ? '' : `${protocol} `;
  const whole = special.length === 1 && only.from === 0 && only.to === HIGHEST[line];
  if (whole && protocol !== '') return endTexts(start, only.value, chainOf);
  const answers = answerTexts(line, spans, otherwise, chainOf).map(text => `${start}${text}`);
  if (special.length <= FEW)
    return [
      ...answers,
      ...special.flatMap(span => endTexts(`${start}${key} ${rangeText(span)} `, span.value, chainOf)),
    ];
  const elements = special.map(span => `${rangeText(span)} : goto ${chainOf(span.value)}`);
  return [...answers, `${start}${key} vmap { ${elements.join(', ')} }`];
}

/** Answers in ICMP that come under an older epoch are decided anew: as their requests. */
function answerTexts(
  line: Line,
  spans: readonly Span<Terminal>[],
  otherwise: Terminal,
  chainOf: ChainOf,
): string[] {
  return Object.entries(ANSWERS[line] ?? {}).flatMap(([answer, request]) => {
    const value = request * 256;
    const target = spans.find(({ from, to }) => from <= value && value <= to)?.value ?? otherwise;
    const type = line === 'icmp' ? 'icmp type' : 'icmpv6 type';
    return endTexts(`ct direction reply ${type} ${answer} `, target, chainOf);
  });
}
