import type { PortSet } from '../schema/protocol-ports.ts';
import type { TagClass } from './clause-table.ts';
import type { RuleRef } from './decision.ts';
import { portsMatch, type Traffic } from './ports.ts';

/** A rule, parsed once. */
export interface ParsedRule {
  /** Order of precedence in its direction: Reject before Allow, then ruleset ID, then index. Lower wins. */
  rank: number;
  action: 'Allow' | 'Reject';
  observed: boolean;
  /** Its flows are reported. */
  logged: boolean;
  ports: PortSet;
  /** Its object: clause numbers, in order of the clauses' text. */
  object: readonly number[];
  ref: RuleRef;
}

/** A rule that matched. `via`: -1 for the peer's own tags, else the position among the networks that hold it. */
export interface Hit {
  rule: ParsedRule;
  via: number;
}

/** The first by precedence, of the rules that count and of all. */
export interface Outcome {
  enforced: Hit | undefined;
  any: Hit | undefined;
}

/** The rules of one direction that hold for one class of processing units, by the clauses of their objects. */
export class RuleIndex {
  readonly #byClause = new Map<number, ParsedRule[]>();
  /** How many entries it holds: what it weighs in a cache. */
  readonly weight: number;

  constructor(rules: readonly ParsedRule[]) {
    let weight = 0;
    for (const rule of [...rules].sort((a, b) => a.rank - b.rank))
      for (const clause of rule.object) {
        const list = this.#byClause.get(clause);
        if (list) list.push(rule);
        else this.#byClause.set(clause, [rule]);
        weight++;
      }
    this.weight = weight;
  }

  /** `peer`: class of the peer's own tags; `networks`: of each network that holds it. Ties go to the earlier one. */
  decide(peer: TagClass, networks: readonly TagClass[], traffic: Traffic): Outcome {
    const outcome: Outcome = { enforced: undefined, any: undefined };
    this.#through(peer.clauses, -1, traffic, outcome);
    for (let at = 0; at < networks.length; at++)
      this.#through(networks[at]?.clauses ?? [], at, traffic, outcome);
    return outcome;
  }

  #through(clauses: readonly number[], via: number, traffic: Traffic, outcome: Outcome): void {
    if (clauses.length > this.#byClause.size) {
      const satisfied = new Set(clauses);
      for (const [clause, list] of this.#byClause)
        if (satisfied.has(clause)) this.#best(list, via, traffic, outcome);
      return;
    }
    for (const clause of clauses) {
      const list = this.#byClause.get(clause);
      if (list) this.#best(list, via, traffic, outcome);
    }
  }

  /** Lists are in order of rank, so that the first match that counts ends the walk. */
  #best(list: readonly ParsedRule[], via: number, traffic: Traffic, outcome: Outcome): void {
    for (const rule of list) {
      if (outcome.enforced && rule.rank >= outcome.enforced.rule.rank) return;
      if (!portsMatch(rule.ports, traffic)) continue;
      if (!outcome.any || rule.rank < outcome.any.rule.rank) outcome.any = { rule, via };
      if (rule.observed) continue;
      outcome.enforced = { rule, via };
      return;
    }
  }
}
