import { setTimeout as sleep } from 'node:timers/promises';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { createStreams } from './delivery.ts';
import { query, rest, type Wire } from './request.ts';
import {
  type Resource,
  referred,
  resourcesOf,
  type Stack,
  type Substitute,
  type Template,
  without,
} from './template.ts';

/**
 * What the lane does itself instead of the endpoint, or leaves out: HTTP front, rules' and streams' calls of functions
 * (see sources.ts), and what only watches. Neither moto nor LocalStack's free edition has all of it.
 */
const LEFT_OUT = [
  /^AWS::ApiGatewayV2::/,
  /^AWS::CloudWatch::/,
  /^AWS::Events::Rule$/,
  /^AWS::Lambda::(EventInvokeConfig|EventSourceMapping|Permission)$/,
  /^AWS::S3::BucketPolicy$/,
  /^AWS::SNS::/,
  /^AWS::SQS::QueuePolicy$/,
];
/** `services`: names as CloudFormation writes them, in lower case, that the endpoint does not have. */
const leavesOut =
  (services: readonly string[]) =>
  ({ Type }: Resource): boolean =>
    LEFT_OUT.some(pattern => pattern.test(Type)) ||
    services.includes(Type.split('::')[1]?.toLowerCase() ?? '');
type Drops = ReturnType<typeof leavesOut>;

/** What moto's CloudFormation makes otherwise than the template says, or not at all: its keys cannot sign, its machines do not run. */
const isMadeHere = ({ Type, Properties }: Resource): boolean =>
  isSigningKey({ Type, Properties }) ||
  Type === 'AWS::StepFunctions::StateMachine' ||
  Type === 'AWS::KinesisFirehose::DeliveryStream';
const isSigningKey = ({ Type, Properties }: Pick<Resource, 'Type' | 'Properties'>): boolean =>
  Type === 'AWS::KMS::Key' && Properties?.KeyUsage === 'SIGN_VERIFY';

const signingKeys = (stacks: readonly Stack[]) =>
  resourcesOf(stacks, 'AWS::KMS::Key').filter(([, resource]) => isSigningKey(resource));

async function createKeys(wire: Wire, stacks: readonly Stack[]): Promise<[string, Substitute][]> {
  const client = new KMSClient({ endpoint: wire.endpoint, region: wire.region, credentials: wire });
  const made = signingKeys(stacks).map(async ([id, { Properties }]): Promise<[string, Substitute]> => {
    const { KeySpec, KeyUsage } = z
      .object({ KeySpec: z.literal('ECC_NIST_P256'), KeyUsage: z.literal('SIGN_VERIFY') })
      .parse(Properties);
    const { KeyMetadata } = await client.send(new CreateKeyCommand({ KeySpec, KeyUsage }));
    return [id, { ref: KeyMetadata?.KeyId ?? '', arn: KeyMetadata?.Arn ?? '' }];
  });
  return Promise.all(made);
}

/** ARNs follow from names, so that functions can be told of machines that are made after them. */
const machineArns = (wire: Wire, stacks: readonly Stack[], account: string): [string, Substitute][] =>
  resourcesOf(stacks, 'AWS::StepFunctions::StateMachine').map(([id]) => {
    const arn = `arn:aws:states:${wire.region}:${account}:stateMachine:${id}`;
    return [id, { ref: arn, arn }];
  });

/** The definitions of the template, with the functions' ARNs in the places of `DefinitionSubstitutions`. */
async function createMachines(
  wire: Wire,
  stacks: readonly Stack[],
  account: string,
  functions: readonly DeployedFunction[],
): Promise<void> {
  const client = new SFNClient({ endpoint: wire.endpoint, region: wire.region, credentials: wire });
  const handlers = new Map(
    resourcesOf(stacks, 'AWS::Lambda::Function').map(([id, each]) => [id, handlerOf(each)]),
  );
  for (const [name, { Properties }] of resourcesOf(stacks, 'AWS::StepFunctions::StateMachine')) {
    const { DefinitionString, DefinitionSubstitutions } = Machine.parse(Properties);
    const definition = DefinitionString.replaceAll(/\$\{(\w+)\}/g, (whole, task) => {
      const handler = handlers.get(referred(DefinitionSubstitutions[task]) ?? '');
      return functions.find(each => each.handler === handler)?.arn ?? whole;
    });
    const roleArn = `arn:aws:iam::${account}:role/${name}`;
    await client.send(new CreateStateMachineCommand({ name, definition, roleArn }));
  }
}

const Machine = z.object({
  DefinitionString: z.string(),
  DefinitionSubstitutions: z.record(z.string(), z.unknown()),
});

/** Name of the export that a function runs: `index.EnsureNamespace` → `EnsureNamespace` */
export const handlerOf = ({ Properties }: Resource): string =>
  String(Properties?.Handler).replace(/^index\./, '');

/** The template with a name for every FIFO queue: moto's CloudFormation makes one up that SQS refuses. */
const naming = (stack: string, template: Template): Template => ({
  ...template,
  Resources: Object.fromEntries(
    Object.entries(template.Resources).map(([id, resource]) => {
      if (resource.Type !== 'AWS::SQS::Queue' || resource.Properties?.FifoQueue !== true)
        return [id, resource];
      return [id, { ...resource, Properties: { ...resource.Properties, QueueName: `${stack}-${id}.fifo` } }];
    }),
  ),
});

const VERSION = '2010-05-15';
const POLLS = 240;

/** A zip file without entries: functions are declared at the endpoint, but run here. */
const EMPTY_ZIP = Buffer.from(`504b0506${'00'.repeat(18)}`, 'hex');

const Variables = z.object({ Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }) });
const TELLS = 'Tells';

/** The template with an output for every variable that it gives to any function: `TABLE_NAME` → `TellsTABLExNAME` */
function telling(template: Template): Template {
  const variables = Object.values(template.Resources).flatMap(({ Type, Properties }) => {
    const parsed = Type === 'AWS::Lambda::Function' ? Variables.safeParse(Properties) : undefined;
    return Object.entries(parsed?.data?.Environment.Variables ?? {});
  });
  const outputs = variables.map(([name, Value]) => [`${TELLS}${name.replaceAll('_', 'x')}`, { Value }]);
  return { ...template, Outputs: { ...template.Outputs, ...Object.fromEntries(outputs) } };
}

/** What `telling` asked for, as DescribeStacks answers it. Names of variables are in capitals, so an `x` is none of theirs. */
const told = (xml: string): Record<string, string> =>
  Object.fromEntries(
    [...xml.matchAll(/<member>((?:(?!<\/member>)[\s\S])*<OutputKey>[\s\S]*?)<\/member>/g)].flatMap(
      ([, output = '']) => {
        const [key, value] = [tag(output, 'OutputKey'), tag(output, 'OutputValue')];
        return key?.startsWith(TELLS) && value !== undefined
          ? [[key.slice(TELLS.length).replaceAll('x', '_'), value]]
          : [];
      },
    ),
  );

/** Puts an empty asset where each function expects its code, as the CDK's own bootstrap bucket would hold it. */
async function uploadAssets(wire: Wire, stacks: readonly Stack[], account: string): Promise<void> {
  const Code = z.object({ S3Bucket: z.object({ 'Fn::Sub': z.string() }), S3Key: z.string() });
  const codes = resourcesOf(stacks, 'AWS::Lambda::Function').map(([, { Properties }]) =>
    Code.parse(Properties?.Code),
  );
  const values: Record<string, string> = { 'AWS::AccountId': account, 'AWS::Region': wire.region };
  const fill = (text: string) => text.replaceAll(/\$\{([\w:]+)\}/g, (whole, name) => values[name] ?? whole);
  const buckets = new Set(codes.map(({ S3Bucket }) => fill(S3Bucket['Fn::Sub'])));
  for (const bucket of buckets) await rest(wire, 's3', { method: 'PUT', path: `/${bucket}` });
  for (const { S3Bucket, S3Key } of codes)
    await rest(wire, 's3', {
      method: 'PUT',
      path: `/${fill(S3Bucket['Fn::Sub'])}/${S3Key}`,
      body: EMPTY_ZIP,
    });
}

const tag = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];

async function createStack(
  wire: Wire,
  { name, template }: Stack,
  substitutes: ReadonlyMap<string, Substitute>,
  isLeftOut: Drops,
): Promise<Record<string, string>> {
  const dropped = (resource: Resource): boolean => isLeftOut(resource) || isMadeHere(resource);
  await query(wire, 'cloudformation', VERSION, 'CreateStack', {
    StackName: name,
    TemplateBody: JSON.stringify(without(telling(naming(name, template)), dropped, substitutes)),
    'Capabilities.member.1': 'CAPABILITY_IAM',
  });
  for (let poll = 0; poll < POLLS; poll += 1) {
    const xml = await query(wire, 'cloudformation', VERSION, 'DescribeStacks', { StackName: name });
    const status = tag(xml, 'StackStatus');
    if (status === 'CREATE_COMPLETE') return told(xml);
    if (status !== 'CREATE_IN_PROGRESS') throw new Error(`stack ${name} is ${status}: ${xml}`);
    await sleep(250);
  }
  throw new Error(`stack ${name} was not made in a minute`);
}

export interface DeployedFunction {
  name: string;
  arn: string;
  /** Name of the export that it runs: `EnsureNamespace`. */
  handler: string;
}

const Functions = z.object({
  Functions: z.array(z.object({ FunctionName: z.string(), FunctionArn: z.string(), Handler: z.string() })),
});

async function functionsOf(wire: Wire): Promise<DeployedFunction[]> {
  const text = await rest(wire, 'lambda', { method: 'GET', path: '/2015-03-31/functions?MaxItems=1000' });
  return Functions.parse(JSON.parse(text)).Functions.map(each => ({
    name: each.FunctionName,
    arn: each.FunctionArn,
    handler: each.Handler.replace(/^index\./, ''),
  }));
}

export interface Deployment {
  functions: DeployedFunction[];
  /** Every variable that any function has: names of the table, the buckets, the keys, as the stacks bind them. */
  environment: Record<string, string>;
  /** Types that were left out, with their number. */
  leftOut: Record<string, number>;
}

/**
 * Makes the synthesized stacks through the endpoint's CloudFormation, signing keys and state machines through their own
 * services, all from the template, and reads back what the functions are told.
 */
export async function deploy(
  wire: Wire,
  stacks: readonly Stack[],
  account: string,
  missing: readonly string[],
): Promise<Deployment> {
  const isLeftOut = leavesOut(missing);
  const has = (service: string): boolean => !missing.includes(service);
  if (has('lambda')) await uploadAssets(wire, stacks, account);
  const substitutes = new Map([...(await createKeys(wire, stacks)), ...machineArns(wire, stacks, account)]);
  const environment: Record<string, string> = {};
  for (const stack of stacks)
    Object.assign(environment, await createStack(wire, stack, substitutes, isLeftOut));
  const functions = has('lambda') ? await functionsOf(wire) : [];
  if (has('kinesisfirehose')) await createStreams(wire, stacks, environment.FLOWS_BUCKET ?? '');
  if (has('stepfunctions')) await createMachines(wire, stacks, account, functions);
  const leftOut: Record<string, number> = {};
  for (const { template } of stacks)
    for (const resource of Object.values(template.Resources))
      if (isLeftOut(resource)) leftOut[resource.Type] = (leftOut[resource.Type] ?? 0) + 1;
  return { functions, environment, leftOut };
}
