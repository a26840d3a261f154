import { HIGHEST, LINES, type Line, type Outcome, type Outcomes } from '../../../shared/core/outcomes.ts';
import type { ParsedRule } from '../../../shared/core/rule-index.ts';
import type { Span } from '../../../shared/core/spans.ts';
import type { BundleNamespace } from '../../../shared/schema/bundle.ts';
import type { ObjectId } from '../../../shared/schema/ids.ts';
import { type Meaning, SNAPLEN } from '../data-plane.ts';
import { type Chain, shortHash } from './model.ts';

/** What every decision of a unit in one direction shares. */
export interface Side {
  direction: 'incoming' | 'outgoing';
  namespace: BundleNamespace;
  /** Set for units that are told by their cgroup, whose flows' addresses don't tell them. */
  unit: ObjectId | undefined;
}

/** The half of a connection's mark that says which policy let it through; zero until one did. See nft/transaction.ts. */
export const MINE = { in: '0x0000ffff', out: '0xffff0000' } as const;

const WAY = { incoming: 'in', outgoing: 'out' } as const;

const verdictOf = (action: 'Allow' | 'Reject') => (action === 'Allow' ? 'allow' : 'reject');

/** What ends a flow's way through the rules. */
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

/** Makes chains out of outcomes; equal ones are one chain. */
export class Loom {
  readonly chains = new Map<string, Chain>();
  readonly counters = new Set<string>();
  readonly meanings = new Map<string, Meaning>();
  readonly #terminals = new Map<string, string>();
  readonly #logGroup: number;

  constructor(logGroup: number) {
    this.#logGroup = logGroup;
  }

  /** The verdict for a peer: where its packets go. */
  verdict(outcomes: Outcomes, side: Side): string {
    const targets = LINES.map(line => this.#targets(outcomes[line], side));
    const most = commonest(targets);
    const rules = LINES.flatMap((line, at) => ruleTexts(line, targets[at] ?? [], most));
    if (rules.length === 0) return `goto ${most}`;
    const chain = { rules: [...rules, `goto ${most}`] };
    const name = `c_${shortHash(chain.rules.join('\n'))}`;
    this.chains.set(name, chain);
    return `goto ${name}`;
  }

  #targets(spans: readonly Span<Outcome>[], side: Side): Span<string>[] {
    return spans.map(({ from, to, value }) => ({ from, to, value: this.#terminal(value, side) }));
  }

  #terminal(outcome: Outcome, side: Side): string {
    const { enforced, observed } = outcome;
    const key = `${idOf(enforced)} ${idOf(observed)} ${side.direction} ${side.namespace.path} ${side.unit ?? ''}`;
    const known = this.#terminals.get(key);
    if (known) return known;
    const made = this.#make(meaningOf(outcome, side), enforced?.logged ?? true, WAY[side.direction]);
    this.#terminals.set(key, made);
    return made;
  }

  #make(meaning: Meaning, logged: boolean, way: 'in' | 'out'): string {
    const id = shortHash(JSON.stringify([meaning, logged]));
    const end = meaning.verdict === 'allow' ? `goto yes_${way}` : `goto no_${way}`;
    const name = `t_${id}`;
    this.chains.set(name, {
      rules: logged ? [reportOf(id, meaning.verdict, way, this.#logGroup), end] : [end],
    });
    if (logged) {
      this.counters.add(`n_${id}`);
      this.meanings.set(id, meaning);
    }
    return name;
  }
}

/** A ruleset may be replaced under its ID: what is reported of the rule counts too. */
const idOf = (rule: ParsedRule | undefined): string =>
  rule
    ? JSON.stringify([rule.ref.rulesetID, rule.ref.direction, rule.ref.index, rule.action, rule.logged])
    : '-';

/**
 * The counter counts everything; what is logged of a flood is limited. Of what is let through, only the first packet of
 * a flow is reported.
 */
const reportOf = (id: string, verdict: Meaning['verdict'], way: 'in' | 'out', group: number): string =>
  verdict === 'allow'
    ? `ct mark and ${MINE[way]} == 0x0 counter name "n_${id}" log prefix "A:${id}:" group ${group} snaplen ${SNAPLEN}`
    : `counter name "n_${id}" limit rate 1000/second burst 2000 packets log prefix "R:${id}:" group ${group} snaplen ${SNAPLEN}`;

/** The target that most of the traffic goes to: it needs no rule of its own. */
function commonest(lines: readonly (readonly Span<string>[])[]): string {
  const votes = new Map<string, number>();
  for (const spans of lines) for (const { value } of spans) votes.set(value, (votes.get(value) ?? 0) + 1);
  return [...votes].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
}

function ruleTexts(line: Line, spans: readonly Span<string>[], otherwise: string): string[] {
  const special = spans.filter(({ value }) => value !== otherwise);
  if (special.length === 0) return [];
  const { protocol, key } = MATCH[line];
  const start = protocol === '' ? '' : `${protocol} `;
  const answers = answerTexts(line, spans, otherwise).map(text => `${start}${text}`);
  const whole = special.length === 1 && special[0]?.from === 0 && special[0].to === HIGHEST[line];
  if (whole && protocol !== '') return [`${protocol} goto ${special[0]?.value}`];
  if (special.length <= FEW) {
    return [...answers, ...special.map(span => `${start}${key} ${rangeText(span)} goto ${span.value}`)];
  }
  const elements = special.map(span => `${rangeText(span)} : goto ${span.value}`);
  return [...answers, `${start}${key} vmap { ${elements.join(', ')} }`];
}

/** Answers in ICMP that come under an older epoch are decided anew: as their requests. */
function answerTexts(line: Line, spans: readonly Span<string>[], otherwise: string): string[] {
  return Object.entries(ANSWERS[line] ?? {}).map(([answer, request]) => {
    const value = request * 256;
    const target = spans.find(({ from, to }) => from <= value && value <= to)?.value ?? otherwise;
    const type = line === 'icmp' ? 'icmp type' : 'icmpv6 type';
    return `ct direction reply ${type} ${answer} goto ${target}`;
  });
}
