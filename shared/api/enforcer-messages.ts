import { z } from 'zod';
import { Credential } from '../schema/appcredential.ts';
import { enforcer, ReportedBundle } from '../schema/enforcer.ts';
import { HostFacts, PreflightFinding } from '../schema/host-facts.ts';
import { ObjectId } from '../schema/ids.ts';
import { processingunit } from '../schema/processingunit.ts';

/** Set by being there, whatever its value. */
const Flag = z.string().transform(() => true);
const Ignored = z.string().optional().describe('Taken from agents of the original; means nothing here.');

/** Query of a poke, in the original's parameters and those that tell of the bundle. All may be left out. */
export const PokeParameters = z.object({
  status: z
    .enum(['Registered', 'Connected', 'Disconnected'])
    .optional()
    .describe('What the agent says of its connection; absent: Connected.'),
  enforcementstatus: enforcer.writable.enforcementStatus
    .unwrap()
    .optional()
    .describe('What the agent says of its data plane.'),
  version: z.string().min(1).max(128).optional().describe('Version of the agent.'),
  ts: z.iso.datetime({ offset: true }).optional().describe("The agent's clock."),
  sessionid: z.string().max(128).optional().describe('Of the connection; means nothing here.'),
  sessionclose: Flag.optional().describe('The agent ends: it is Disconnected, and not unreachable.'),
  revision: z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .optional()
    .describe('Revision of the newest bundle that was looked at; with `state`.'),
  state: ReportedBundle.shape.state.optional().describe('What became of that bundle; with `revision`.'),
  reason: ReportedBundle.shape.reason.unwrap().optional().describe('Why it was refused.'),
  digest: ReportedBundle.shape.digest
    .unwrap()
    .optional()
    .describe('SHA-256 of the rules that were made of it.'),
  policy: ReportedBundle.shape.policy.unwrap().optional().describe('SHA-256 of its policy.json.'),
  forcefullpoke: Ignored.describe("The original's, which nothing needs here: every poke is a full one."),
  zhash: Ignored,
  cpuload: Ignored,
  memory: Ignored,
  processes: Ignored,
});
export type PokeParameters = z.infer<typeof PokeParameters>;

/** Query of a processing unit's poke, in the original's parameters. All may be left out. */
export const UnitPokeParameters = z.object({
  status: processingunit.writable.operationalStatus
    .unwrap()
    .optional()
    .describe('What the enforcer says of the workload.'),
  enforcementstatus: processingunit.writable.enforcementStatus
    .unwrap()
    .optional()
    .describe('What the enforcer says of its data plane.'),
  ts: z.iso.datetime({ offset: true }).optional().describe("The agent's clock."),
  notify: Ignored,
  forcefullpoke: Ignored,
  zhash: Ignored,
});
export type UnitPokeParameters = z.infer<typeof UnitPokeParameters>;

/** An agent that was given an install token registers with it. */
export const RegistrationRequest = z.strictObject({
  token: z.string().min(1).max(2048).describe('The install token.'),
  enforcer: enforcer.input
    .extend({
      machineID: z.string().min(1, 'must not be empty').max(256).describe('The machine that registers.'),
      certificateRequest: z
        .string()
        .min(1, 'must not be empty')
        .max(16_384)
        .describe('PEM of a PKCS #10 request for an EC P-256 key.'),
    })
    .describe('As in `POST /enforcers`; `machineID` and `certificateRequest` must be there.'),
});
export type RegistrationRequest = z.infer<typeof RegistrationRequest>;

/** Who the agent is from now on: a credential to which it adds its own private key. */
export const RegistrationAnswer = z.object({
  enforcer: enforcer.stored.describe('As `GET /enforcers/{id}` answers it.'),
  credential: Credential.omit({ certificateKey: true }).describe(
    'What the agent keeps, beside its private key.',
  ),
});
export type RegistrationAnswer = z.infer<typeof RegistrationAnswer>;

export const PresetRequest = z.strictObject({
  name: z.enum(['ignore-twistlock-defender']).describe('Which preset.'),
});
export type PresetRequest = z.infer<typeof PresetRequest>;

export const PresetAnswer = z.object({
  name: z.string().describe('The preset.'),
  applied: z.boolean().describe('False when it was there already.'),
  profileID: ObjectId.describe('The profile.'),
  mappingID: ObjectId.describe('The mapping that gives it to enforcers.'),
});
export type PresetAnswer = z.infer<typeof PresetAnswer>;

/** What `apoctl enforcer preflight` collected on a host. */
export const PreflightRequest = z.strictObject({
  host: z.string().min(1).max(253).describe('Name of the host, for the activity log.'),
  facts: HostFacts.describe('What was collected on it.'),
  targetVersion: z.string().max(128).default('').describe('Version that is to be installed; empty: any.'),
  forceChecks: z
    .array(z.string().max(64))
    .max(50)
    .default([])
    .describe('Checks that may fail, by name; each that does is noted in the activity log.'),
});
export type PreflightRequest = z.infer<typeof PreflightRequest>;

export const PreflightAnswer = z.object({
  mayInstall: z.boolean().describe('No check failed, but for those that were forced.'),
  findings: z.array(PreflightFinding).describe('Every check that concerns the host.'),
});
export type PreflightAnswer = z.infer<typeof PreflightAnswer>;

/** Short-lived read access to one bundle: ports/bundle-access.ts says what each field is. */
export const EnforcerCredentials = z.object({
  url: z.string().describe('Where the bundle lies: an https prefix, or a URL of this server.'),
  accessKeyID: z.string().describe('AWS access key of the session.'),
  secretAccessKey: z.string().describe('Of the temporary credentials.'),
  sessionToken: z.string().describe('AWS session token.'),
  expiration: z.string().describe('RFC 3339; later the credentials are refused.'),
  tenant: z.string().describe('What the client must find bound into the bundle.'),
  namespace: z.string().describe('The enforcer’s.'),
  namespaceID: z.string().describe('Its ID, which is bound into the bundle too.'),
});
export type EnforcerCredentials = z.infer<typeof EnforcerCredentials>;
