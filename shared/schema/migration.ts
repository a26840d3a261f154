import { z } from 'zod';
import { NamespacePath, ObjectId, Timestamp } from './ids.ts';

/** `keep-rules`: the rules stay loaded between uninstall and install. `strict-clean`: they go too, as in the original. */
export const UpgradeMode = z.enum(['keep-rules', 'strict-clean']);

/** What a host is asked to try once the agent runs, from where it is. */
export const Probe = z.strictObject({
  name: z.string().min(1).max(64).describe('Name of the probe, for results.'),
  host: z.string().min(1).max(253).describe('Address or name to connect to.'),
  protocolPort: z
    .string()
    .regex(/^(tcp|udp)\/\d{1,5}$/, 'must be a protocol and a port such as tcp/443')
    .describe('Protocol and port, `tcp/443`.'),
  expect: z.enum(['pass', 'fail']).describe('Whether the connection must come about, or must not.'),
});
export type Probe = z.infer<typeof Probe>;

/**
 * What the agent's runner on a host is to do: it reads it from directives.json, which the bundle signs. It holds no
 * secret, because every enforcer of the namespace reads it; the install token is asked for by the enforcer itself.
 */
export const DirectedTask = z.strictObject({
  deadline: Timestamp.describe('After it the runner does not begin any more.'),
  id: ObjectId.describe('Names the directive in reports. A new one replaces all before it.'),
  kind: z.enum(['uninstall', 'install']).describe('What to do.'),
  mode: UpgradeMode.describe('What becomes of the rules meanwhile.'),
  probes: z.array(Probe).describe('What to try after an install.'),
  version: z.string().describe('Version to remove, or to install.'),
});
export type DirectedTask = z.infer<typeof DirectedTask>;

export const HOST_STATES = [
  'Pending',
  'Uninstalling',
  'Installing',
  'Upgraded',
  'Restoring',
  'Restored',
  'Failed',
  'Skipped',
] as const;
export type HostState = (typeof HOST_STATES)[number];

/** What started the runner that carries a directive out: the agent, or the control plane through SSM Run Command. */
export const RUNNER_WAYS = ['agent', 'ssm'] as const;
export type RunnerWay = (typeof RUNNER_WAYS)[number];

const PROBE_RESULT = {
  name: z.string().max(64).describe('The probe.'),
  ok: z.boolean().describe('As expected.'),
  from: z
    .union([z.ipv4(), z.ipv6()])
    .exactOptional()
    .describe('Address that the host tried it from, by which the other end knows it.'),
};
/** What came of a probe, as the host that tried it says. */
export const ProbeResult = z.strictObject(PROBE_RESULT);
export type ProbeResult = z.infer<typeof ProbeResult>;

/** Another end of a probe that is one of ours, and says what it saw. */
export const Witness = z.strictObject({
  namespace: NamespacePath.describe('Where its enforcer lives.'),
  ID: ObjectId.describe('Its enforcer.'),
  address: z.string().describe('Where it is probed.'),
  protocol: z.int().describe('IANA number.'),
  port: z.int().describe('Its port.'),
});
export type Witness = z.infer<typeof Witness>;

/** States that nothing follows in the same direction. */
export const SETTLED: readonly HostState[] = ['Upgraded', 'Restored', 'Failed', 'Skipped'];

/** Where an enforcer stands in the upgrade that has it. Nobody but the workflow writes it. */
export const Migration = z.strictObject({
  upgrade: ObjectId.describe('The upgrade.'),
  batch: z.int().min(0).describe('Its part in it.'),
  state: z.enum(HOST_STATES).describe('Where it stands.'),
  from: z.string().describe('Version that it had.'),
  to: z.string().describe('Version that it is to have.'),
  reason: z.string().max(1024).default('').describe('Why it failed or was left alone.'),
  collect: ObjectId.optional().describe(
    'Its agent is asked what its host is: the upgrade, which the answer names.',
  ),
  task: DirectedTask.optional().describe('What its runner is to do now.'),
  directed: Timestamp.optional().describe('Since when.'),
  revision: z
    .int()
    .min(0)
    .default(0)
    .describe(
      'Of the bundle that was published when an install was ordered: a new agent applies none older.',
    ),
  done: z.array(ObjectId).max(4).default([]).describe('Directives that were carried out, newest last.'),
  taken: ObjectId.optional().describe('Directive that a runner has taken up, on hosts that can be called.'),
  calls: z
    .strictObject({
      directive: ObjectId.describe('For which directive.'),
      times: z.int().min(0).describe('How often; 0: it must not be.'),
      at: Timestamp.describe('When last.'),
      problem: z.string().max(512).describe('Why the last one could not be; empty: it was.'),
    })
    .optional()
    .describe('That SSM Run Command was asked to start the runner.'),
  ranBy: z
    .enum(RUNNER_WAYS)
    .optional()
    .describe('What started the runner, as it says, on hosts that can be called.'),
  openMilliseconds: z
    .int()
    .min(0)
    .optional()
    .describe('How long no rule of ours was loaded, as the runner measured it.'),
  probes: z.array(ProbeResult).max(50).optional().describe('What came of the probes.'),
  probed: Timestamp.optional().describe('When it told so.'),
  rejected: z
    .strictObject({
      rate: z.number().min(0).describe('Rejected flows a minute since the install.'),
      baseline: z.number().min(0).describe('The same, before the uninstall.'),
    })
    .optional()
    .describe('Rejected flows beside what was usual.'),
  rejects: z
    .strictObject({
      before: z.int().min(0).describe('From the claim to the order of the uninstall.'),
      after: z.int().min(0).describe('Since the order of the install.'),
    })
    .optional()
    .describe('Rejected flows in its flow reports, as the control plane counted them.'),
  claimed: Timestamp.optional().describe('Since when the upgrade has it.'),
  started: Timestamp.optional().describe('When its uninstall was ordered.'),
  ended: Timestamp.optional().describe('When it was settled.'),
});
export type Migration = z.infer<typeof Migration>;
