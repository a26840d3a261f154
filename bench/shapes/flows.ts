import type { Flow, UnitEnd } from '../../shared/core/decision.ts';
import { PolicyView } from '../../shared/core/view.ts';
import { load, namespaceAt, rulesetIn, type Shape, TENANT, unitIn } from './objects.ts';

export const PORT = 443;
/** Flows that are decided again and again, as many whatever the number of rulesets. */
const FLOWS = 1_000;

/** Numbers from 0 on that look random and are the same in every run (a linear congruential generator). */
function* numbers(): Generator<number> {
  for (let state = 1; ; state = (state * 48_271) % 2_147_483_647) yield state;
}

export interface Decided {
  view: PolicyView;
  flows: Flow[];
  /** For the peers: the labels at both ends, and the same policy as a list. */
  pairs: { from: number; to: number }[];
  policies: { subject: number; object: number }[];
}

/** One ruleset for each of `count` labels: units with label n may be reached by those with label n+1, on one port. */
export function decidedBy(count: number): Decided {
  const shape: Shape = { namespaces: [namespaceAt(TENANT)], units: [], rulesets: [], compiled: [TENANT] };
  const policies = Array.from({ length: count }, (_, at) => ({ subject: at, object: (at + 1) % count }));
  for (const { subject, object } of policies) {
    const { incomingRules, ...rest } = rulesetIn(TENANT, [`app=${subject}`], [`app=${object}`]);
    const { incomingRules: outgoingRules } = rulesetIn(TENANT, [], [`app=${(subject + count - 1) % count}`]);
    const on = (rules: typeof incomingRules) =>
      rules.map(rule => ({ ...rule, protocolPorts: [`tcp/${PORT}`] }));
    shape.rulesets.push({ ...rest, incomingRules: on(incomingRules), outgoingRules: on(outgoingRules) });
  }
  const next = numbers();
  const draw = () => (next.next().value ?? 0) % count;
  const end = (label: number): UnitEnd => {
    const unit = unitIn(TENANT, [`app=${label}`, 'env=prod', 'team=one', 'zone=a']);
    return {
      kind: 'processing unit',
      namespace: TENANT,
      tags: unit.normalizedTags,
      address: unit.addresses[0] ?? '',
    };
  };
  const flows: Flow[] = [];
  const pairs: Decided['pairs'] = [];
  for (let at = 0; at < FLOWS; at++) {
    const to = draw();
    // Every other flow is one that a ruleset allows.
    const from = at % 2 === 0 ? (to + 1) % count : draw();
    pairs.push({ from, to });
    flows.push({ from: end(from), to: end(to), traffic: { kind: 'ports', protocol: 6, port: PORT } });
  }
  const view = new PolicyView();
  load(shape, view);
  return { view, flows, pairs, policies };
}
