import ipaddr from 'ipaddr.js';
import type { Flow, NetworkEnd, UnitEnd } from '../../shared/core/decision.ts';
import type { Traffic } from '../../shared/core/ports.ts';
import type { ExternalNetwork } from '../../shared/schema/externalnetwork.ts';
import type { Namespace } from '../../shared/schema/namespace.ts';
import type { NetworkRuleSetPolicy } from '../../shared/schema/networkrulesetpolicy.ts';
import { DEFAULT_TAG_PREFIXES } from '../../shared/schema/tag.ts';
import type { Entry } from './objects.ts';

/*
 * The semantics once more, as plainly as they can be said: no index, no payload, no memory, and none of the code
 * that it is compared with. docs/decisions, "policy semantics".
 */

interface Answer {
  verdict: 'allow' | 'reject';
  /** `<ruleset ID> <index> <via>` or `default <namespace>`. */
  by: string;
  observed?: string;
}

const has = (tags: readonly string[], wanted: string): boolean =>
  wanted.endsWith('*') ? tags.some(tag => tag.startsWith(wanted.slice(0, -1))) : tags.includes(wanted);

const selects = (clauses: readonly (readonly string[])[], tags: readonly string[]): boolean =>
  clauses.some(clause => clause.length > 0 && clause.every(wanted => has(tags, wanted)));

const upwards = (path: string): string[] =>
  path === '' || path === '/' ? [] : [path, ...upwards(path.slice(0, path.lastIndexOf('/')))];

export class Reference {
  readonly #entries: readonly Entry[];

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  #namespace(path: string): Namespace | undefined {
    for (const entry of this.#entries)
      if (entry.identity === 'namespace' && entry.object.name === path) return entry.object;
    return undefined;
  }

  #default(path: string, key: 'defaultPUIncomingTrafficAction' | 'defaultPUOutgoingTrafficAction'): string[] {
    for (const at of upwards(path)) {
      const action = this.#namespace(at)?.[key];
      if (action && action !== 'Inherit') return [action, at];
    }
    return ['Reject', '/'];
  }

  #wire(tags: readonly string[], path: string): readonly string[] {
    const modes = upwards(path).map(at => this.#namespace(at)?.tagPrefixEnforcement ?? 'Inherit');
    if ((modes.find(mode => mode !== 'Inherit') ?? 'Warn') === 'Warn') return tags;
    const prefixes = [
      ...DEFAULT_TAG_PREFIXES,
      ...upwards(path).flatMap(at => this.#namespace(at)?.tagPrefixes ?? []),
    ];
    return tags.filter(tag => prefixes.some(prefix => tag.startsWith(prefix)));
  }

  #applying<T extends { ID: string; namespace: string; propagate: boolean }>(
    objects: T[],
    path: string,
  ): T[] {
    return objects
      .filter(one => one.namespace === path || (one.propagate && upwards(path).includes(one.namespace)))
      .sort((a, b) => (a.ID < b.ID ? -1 : 1));
  }

  #side(side: 'source' | 'destination', unit: UnitEnd, peer: UnitEnd | NetworkEnd, traffic: Traffic): Answer {
    const path = unit.namespace;
    const mine = this.#wire(unit.tags, path);
    const neighbour = peer.kind === 'processing unit' && peer.namespace.split('/')[1] === path.split('/')[1];
    const theirs = neighbour ? this.#wire(peer.tags, peer.namespace) : [];
    const rulesets = this.#applying(
      this.#entries.flatMap((entry): NetworkRuleSetPolicy[] =>
        entry.identity === 'networkrulesetpolicy' && !entry.object.disabled ? [entry.object] : [],
      ),
      path,
    ).filter(ruleset => selects(ruleset.subject, mine));
    const networks = this.#applying(
      this.#entries.flatMap((entry): ExternalNetwork[] =>
        entry.identity === 'externalnetwork' && !entry.object.archived ? [entry.object] : [],
      ),
      path,
    ).filter(network => holds(network.entries, peer.address, peer.name));
    const regular = rulesets.filter(ruleset => !ruleset.fallback);
    const hits = (regular.length > 0 ? regular : rulesets).flatMap(ruleset =>
      (side === 'source' ? ruleset.outgoingRules : ruleset.incomingRules).flatMap((rule, index) => {
        const network = networks.find(one => selects(rule.object, this.#wire(one.normalizedTags, path)));
        const via = selects(rule.object, theirs) ? 'unit' : network?.ID;
        if (!via || !carries(rule.protocolPorts, traffic)) return [];
        return [{ rule, text: `${ruleset.ID} ${index} ${via}` }];
      }),
    );
    const first = (of: typeof hits) =>
      of.find(({ rule }) => rule.action === 'Reject') ?? of.find(({ rule }) => rule.action === 'Allow');
    const verdict = (action: string | undefined) => (action === 'Allow' ? 'allow' : 'reject');
    const enforced = first(hits.filter(({ rule }) => !rule.observationEnabled));
    const any = first(hits);
    const [action, setIn] = this.#default(
      path,
      side === 'source' ? 'defaultPUOutgoingTrafficAction' : 'defaultPUIncomingTrafficAction',
    );
    return {
      verdict: verdict(enforced ? enforced.rule.action : action),
      by: enforced ? enforced.text : `default ${setIn}`,
      ...(any?.rule.observationEnabled ? { observed: `${verdict(any.rule.action)} ${any.text}` } : {}),
    };
  }

  evaluate({ from, to, traffic }: Flow): { source?: Answer; destination?: Answer } {
    return {
      ...(from.kind === 'processing unit' ? { source: this.#side('source', from, to, traffic) } : {}),
      ...(to.kind === 'processing unit' ? { destination: this.#side('destination', to, from, traffic) } : {}),
    };
  }
}

/** Longest prefix decides. */
export function holds(
  entries: readonly string[],
  address: string | undefined,
  name: string | undefined,
): boolean {
  let best = { length: -1, included: false };
  for (const entry of entries) {
    const included = !entry.startsWith('!');
    const [network = '', length = network.includes(':') ? '128' : '32'] = entry.replace('!', '').split('/');
    if (!ipaddr.isValid(network) || address === undefined) continue;
    const base = ipaddr.parse(network);
    const host = ipaddr.parse(address);
    if (base.kind() === host.kind() && host.match(base, Number(length)) && Number(length) > best.length)
      best = { length: Number(length), included };
  }
  if (best.included) return true;
  return entries.some(entry =>
    entry.startsWith('*.') ? name?.endsWith(entry.slice(1)) : name !== undefined && entry === name,
  );
}

const NUMBERS: Record<string, number> = { tcp: 6, udp: 17, icmp: 1, icmp6: 58, esp: 50, gre: 47 };

export function carries(list: readonly string[], traffic: Traffic): boolean {
  if (list.length === 0) return true;
  return list.some(text => {
    const [name = '', first, second] = text.split('/');
    if (name === 'any') return true;
    if (NUMBERS[name] !== traffic.protocol) return false;
    if (first === undefined) return true;
    const between = (value: number, range: string) => {
      const [low, high = low] = range.split(':').map(Number);
      return low !== undefined && high !== undefined && low <= value && value <= high;
    };
    if (traffic.kind === 'ports') return between(traffic.port, first);
    if (traffic.kind !== 'icmp' || traffic.type !== Number(first)) return false;
    return second === undefined || second.split(',').some(range => between(traffic.code, range));
  });
}
