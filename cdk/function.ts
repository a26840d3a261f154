import { type Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { type ConfigName, configOf } from '../shared/schema/config.ts';
import { fail } from '../shared/schema/failure.ts';
import { acknowledge } from './acknowledge.ts';
import type { Bundles, Entry } from './code.ts';

export type ConfigKind = keyof typeof configOf;

/** Values of the functions' environment, as far as they are known. */
export type Values = Partial<Record<ConfigName, string>>;

export interface HandlerProps {
  bundles: Bundles;
  entry: Entry;
  /** Export of the entry. */
  handler: string;
  description: string;
  config: ConfigKind;
  values: Values;
  timeout: Duration;
  /** MB; the share of a processor grows with it. */
  memory?: number;
  /** Made with `functionRole`; absent: one that can do nothing yet. */
  role?: Role;
}

/** Just the variables that a kind of function reads. */
export function environmentOf(kind: ConfigKind, values: Values): Record<string, string> {
  const known = (name: ConfigName): string => {
    const value = values[name];
    if (value !== undefined) return value;
    throw fail('invalid', `\`${name}\` of the ${kind} functions has no value; set it in cdk/app-stack.ts`);
  };
  return Object.fromEntries(configOf[kind].map(name => [name, known(name)]));
}

/** A role for one function. Those that a key policy names have an IAM path of their own. */
export function functionRole(scope: Construct, id: string, description: string, path?: string): Role {
  const role = new Role(scope, `${id}Role`, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    description,
    ...(path === undefined ? {} : { path }),
  });
  acknowledge(role, {
    'AwsSolutions-IAM5[Resource::*]': 'X-Ray takes trace segments for no resource but `*`.',
  });
  return role;
}

/** One Lambda function with a role and a log group of its own; the role can write its log and trace, nothing more. */
export function handler(scope: Construct, id: string, props: HandlerProps): LambdaFunction {
  const role = props.role ?? functionRole(scope, id, props.description);
  const logGroup = new LogGroup(scope, `${id}Log`, {
    retention: RetentionDays.THREE_MONTHS,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  logGroup.grantWrite(role);
  return new LambdaFunction(scope, id, {
    description: props.description,
    code: props.bundles.of(props.entry),
    handler: `index.${props.handler}`,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: props.memory ?? 1024,
    timeout: props.timeout,
    role,
    logGroup,
    loggingFormat: LoggingFormat.JSON,
    tracing: Tracing.ACTIVE,
    environment: { ...environmentOf(props.config, props.values), NODE_OPTIONS: '--enable-source-maps' },
  });
}

/** For functions that nobody invokes asynchronously: no event of theirs can get lost. */
export function synchronous(fn: LambdaFunction, caller: string): void {
  acknowledge(fn, { 'Serverless-LambdaDLQ': `${caller} and sees the answer; no event waits in a queue.` });
}
