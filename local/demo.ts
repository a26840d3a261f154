import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createClient, credentialToken } from '../shared/api/client.ts';
import { describeSide } from '../shared/core/explain.ts';
import { printTraffic } from '../shared/core/ports.ts';
import { Credential } from '../shared/schema/appcredential.ts';
import { fail } from '../shared/schema/failure.ts';
import type { ProcessingUnit } from '../shared/schema/processingunit.ts';
import type { ControlPlane } from './control-plane.ts';
import {
  decideFromBundles,
  type Enforcing,
  enforceAll,
  onboard,
  pollUntil,
  registerUnits,
  type Stage,
  startEnforcers,
  writePolicy,
} from './play.ts';
import { FLOWS, TENANT } from './scenario.ts';
import { reportFlows } from './sightings.ts';

/** A client with the administrator's credential, over HTTP like anybody's. */
export async function stageOf(plane: ControlPlane, say: (text: string) => void): Promise<Stage> {
  const credential = Credential.parse(JSON.parse(await readFile(plane.administrator, 'utf8')));
  const token = credentialToken(credential, { now: Date.now, randomBytes });
  return {
    client: createClient({ api: plane.url, token }),
    publish: event => plane.bus.publish(event),
    root: await readFile(plane.root),
    now: () => plane.deps.clock.now(),
    say,
  };
}

function showFlows(
  units: readonly ProcessingUnit[],
  enforcing: readonly Enforcing[],
  say: Stage['say'],
): void {
  for (const flow of FLOWS) {
    const sides = decideFromBundles(flow, units, enforcing);
    const verdict = sides.some(side => side.verdict === 'reject') ? 'reject' : 'allow';
    const surprise = verdict === flow.wanted ? '' : `  (wanted: ${flow.wanted})`;
    say(
      `  ${verdict === 'allow' ? '✔ allowed ' : '✘ rejected'}  ${flow.from} → ${flow.to}  ${printTraffic(flow.traffic)}${surprise}`,
    );
    for (const side of sides)
      say(`      ${side.side === 'source' ? flow.from : flow.to}: ${describeSide(side)}`);
  }
}

/** The demo's tenant is made once in a data directory. */
export async function refuseSecondDemo({ client }: Stage): Promise<void> {
  const { body: tenants } = await client.call('listNamespace', { namespace: '/' });
  if (tenants.some(({ name }) => name === `/${TENANT}`)) {
    throw fail(
      'conflict',
      `the demo's tenant /${TENANT} is there already; play it in another folder with --data`,
    );
  }
}

/** Plays the scenario through the real paths, step by step, and shows what the enforcers decide from their bundles. */
export async function demo(plane: ControlPlane, say: (text: string) => void): Promise<void> {
  const stage = await stageOf(plane, say);
  await refuseSecondDemo(stage);
  say('1. Three cloud accounts are onboarded');
  await onboard(stage);
  say('\n2. The policy of a two-tier shop is written in the tenant');
  await writePolicy(stage);
  say('\n3. Processing units');
  const units = await registerUnits(stage);
  say('\n4. Two enforcers register and poll their signed bundles');
  const enforcing = await startEnforcers(stage);
  say('\n5. Discovery ends: what no rule allows is rejected from now on');
  await enforceAll(stage);
  for (const host of enforcing) {
    await pollUntil(host, `discovery to end at ${host.name}`, payloads =>
      payloads['policy.json'].namespaces.every(
        ({ incoming, outgoing }) => incoming.action === 'Reject' && outgoing.action === 'Reject',
      ),
    );
    say(`  ${host.name} verified revision ${host.revision} of ${host.namespace}`);
  }
  say('\n6. Who may talk to whom, as the enforcers decide from their bundles, and why');
  showFlows(units, enforcing, say);
  say('\n7. The enforcers report the flows, and the App Dependency Map shows them');
  say(`  ${await reportFlows(stage, units, enforcing)} flow records of /${TENANT}`);
  say(`  ${plane.url}/map#namespace=/${TENANT}`);
  say(`  asks for a token: npx apoctl auth appcred --path ${plane.administrator} --api ${plane.url}`);
  say('\nThe control plane goes on running; look around with apoctl, stop it with Ctrl-C.');
}
