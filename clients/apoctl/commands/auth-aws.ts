import type { Command } from 'commander';
import { fail } from '../../../shared/schema/failure.ts';
import type { Proof, ProofRequest } from '../../enforcer/agent/cloud.ts';
import { awsIdentity, signedIdentity } from '../../enforcer/agent/cloud-aws.ts';
import { fromInstance } from '../instance.ts';
import type { Io } from '../io.ts';
import * as options from '../options.ts';
import { settle } from '../settings.ts';
import { type AskedOptions, printToken, withAsked } from '../trade.ts';

interface AwsOptions extends AskedOptions {
  region?: string;
}

const HELP = `
It signs a GetCallerIdentity, which the API sends on to STS. The credentials stay here: those of AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or else those of the role of the EC2 instance that this is.

Examples:
  $ eval "$(aws configure export-credentials --profile prod --format env)"
  $ eval "$(apoctl auth aws-st -A https://api.example.com --validity 1h -e)"
`;

const REGION = 'us-east-1';
const KEYS = 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';

/** `apoctl auth aws-st`. */
export function addAws(auth: Command, io: Io): void {
  const command = auth
    .command('aws-st')
    .alias('aws')
    .description('Trade the AWS credentials of the environment, or of this instance, without showing them')
    .option(
      '--region <region>',
      `STS of this region (env AWS_REGION, AWS_DEFAULT_REGION; default ${REGION})`,
    );
  withAsked(command)
    .addHelpText('after', HELP)
    .action((said: AwsOptions, self: Command) => trade(io, said, options.flagsOf(self)));
  options.withGlobals(command);
}

function proofOf({ env, ...io }: Io, { region }: AwsOptions, request: ProofRequest): Promise<Proof> | Proof {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = env;
  if (!AWS_ACCESS_KEY_ID && !AWS_SECRET_ACCESS_KEY)
    return fromInstance({ env, ...io }, 'aws', ask => awsIdentity(ask, request), KEYS);
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    const missing = AWS_ACCESS_KEY_ID ? 'AWS_SECRET_ACCESS_KEY' : 'AWS_ACCESS_KEY_ID';
    throw fail('bad_request', `${missing} is not set; set ${KEYS}, or neither`);
  }
  const where = region || env.AWS_REGION || env.AWS_DEFAULT_REGION || REGION;
  if (!/^[a-z]{2}(-[a-z]+)+-\d{1,2}$/.test(where))
    throw fail('bad_request', `\`${where}\` is no region; give one such as --region eu-west-1`);
  const credentials = {
    accessKeyID: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}),
  };
  return signedIdentity(credentials, where, request);
}

async function trade(io: Io, said: AwsOptions, flags: options.Flags): Promise<void> {
  const { api } = await settle(io, flags, { newToken: true });
  const request = { api, now: new Date(io.now()), randomBytes: io.randomBytes };
  await printToken(io, api, await proofOf(io, said, request), said);
}
