import { randomBytes } from 'node:crypto';
import { Directory, type FlowReport, reportOf } from '../clients/enforcer/flows/report.ts';
import type { SideDecision } from '../shared/core/decision.ts';
import { newObjectId } from '../shared/core/object-id.ts';
import type { ProcessingUnit } from '../shared/schema/processingunit.ts';
import { decideFromBundles, type Enforcing, type Stage } from './play.ts';
import { FLOWS, TENANT, type WantedFlow } from './scenario.ts';

/** Connections that the flows of the scenario are made of, so that lines between them have more than one width. */
const CONNECTIONS = [420, 18, 6, 31, 260, 4, 9, 3];

/** What the enforcer that decided reads from the log of its rules, as agents tell it. */
function told(
  { from, to, traffic }: WantedFlow,
  count: number,
  { by, side, verdict }: SideDecision,
  units: readonly ProcessingUnit[],
  { payloads, namespace, name }: Enforcing,
  now: Date,
): FlowReport | undefined {
  const address = (end: string): string => units.find(unit => unit.name === end)?.addresses[0] ?? end;
  const own = units
    .filter(unit => unit.namespace === namespace)
    .map(unit => ({ ...unit, localID: unit.name, tags: unit.associatedTags }));
  const direction = side === 'source' ? 'outgoing' : 'incoming';
  return reportOf(
    {
      prefix: verdict === 'allow' ? 'A:a1:' : 'R:a1:',
      conversation: { source: address(from), destination: address(to), traffic },
      count,
      at: now.getTime(),
    },
    () =>
      'rule' in by
        ? { direction, verdict, rule: by.rule, namespace: by.rule.namespace }
        : { direction, verdict, namespace: by.default.namespace },
    new Directory(payloads, own),
    { ID: newObjectId(now, randomBytes), enforcerID: name },
  );
}

/** Reports the scenario's flows as its enforcers would see them; what the source rejects does not arrive. */
export async function reportFlows(
  { client, now }: Stage,
  units: readonly ProcessingUnit[],
  enforcing: readonly Enforcing[],
): Promise<number> {
  const body = FLOWS.flatMap((flow, at) => {
    const sides = decideFromBundles(flow, units, enforcing);
    const isStopped = sides.some(({ side, verdict }) => side === 'source' && verdict === 'reject');
    return sides.flatMap(decision => {
      if (isStopped && decision.side === 'destination') return [];
      const unit = units.find(({ name }) => name === (decision.side === 'source' ? flow.from : flow.to));
      const host = enforcing.find(({ namespace }) => namespace === unit?.namespace);
      return (host && told(flow, CONNECTIONS[at] ?? 1, decision, units, host, now())) ?? [];
    });
  });
  await client.call('createFlowReports', { namespace: `/${TENANT}`, body });
  return body.length;
}
