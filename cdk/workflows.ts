import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ArnFormat, type CfnElement, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { EventBus } from 'aws-cdk-lib/aws-events';
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { fail } from '../shared/schema/failure.ts';
import { acknowledge } from './acknowledge.ts';
import { grantImport } from './bundles.ts';
import { handler, synchronous } from './function.ts';
import type { Parts } from './parts.ts';
import { grantRead, grantWrite } from './table-access.ts';

const folder = join(import.meta.dirname, '..', 'statemachines');
const SUFFIX = '.asl.json';
/** Tasks that put events on the bus are called so; no other may. */
export const PUBLISHES = 'Publish';

/** Tasks that read what was uploaded for an import, or what was made of it; no other may. */
const READS_IMPORTS = ['ApplyImport', 'PlanImport', 'ValidateImport'];
/** Starts runners of upgrades on EC2 instances; no other may. */
const CALLS = 'CallRunners';
/** Document of SSM that runs what it is sent, and the tag that an instance must have for it. */
const DOCUMENT = 'AWS-RunShellScript';
export const RUNNER_TAG = { key: 'microseg', value: 'enforcer' } as const;

/** Reads a document of 64 MB in one, which takes a processor of its own. */
const LONG: Readonly<Record<string, { timeout: Duration; memory?: number }>> = {
  // An instance takes a minute to take a command up, and another to end it.
  [CALLS]: { timeout: Duration.minutes(3) },
  PlanImport: { timeout: Duration.minutes(5), memory: 1769 },
};

/** Workflow name → its ASL, as the files of statemachines/ say it. */
export const definitions: ReadonlyMap<string, string> = new Map(
  readdirSync(folder)
    .filter(file => file.endsWith(SUFFIX))
    .sort()
    .map(file => [file.slice(0, -SUFFIX.length), readFileSync(join(folder, file), 'utf8')]),
);

/** Tasks that a definition names: `${EnsureNamespace}` → `EnsureNamespace`. Sorted. */
export const tasksOf = (definition: string): string[] =>
  [...new Set([...definition.matchAll(/\$\{([A-Z][A-Za-z0-9]*)\}/g)].map(match => match[1] ?? ''))].sort();

/** One state machine per file of statemachines/, one function per task that they name. */
export class Workflows extends Construct {
  readonly machines: ReadonlyMap<string, StateMachine>;
  readonly functions: ReadonlyMap<string, LambdaFunction>;

  constructor(scope: Construct, id: string, props: Parts & { bus: EventBus }) {
    super(scope, id);
    const tasks = [...new Set([...definitions.values()].flatMap(tasksOf))].sort();
    this.functions = new Map(tasks.map(name => [name, this.#task(name, props)]));
    this.machines = new Map(
      [...definitions].map(([name, definition]) => [name, this.#machine(name, definition)]),
    );
  }

  machine(name: string): StateMachine {
    const machine = this.machines.get(name);
    if (machine === undefined) throw fail('not_found', `no workflow in statemachines/${name}${SUFFIX}`);
    return machine;
  }

  #task(name: string, { bundles, data, settings, values, bus }: Parts & { bus: EventBus }): LambdaFunction {
    const fn = handler(this, name, {
      bundles,
      entry: 'tasks',
      handler: name,
      description: `${settings.name} workflow task: ${name}`,
      config: READS_IMPORTS.includes(name) ? 'importTask' : name === CALLS ? 'callTask' : 'task',
      values,
      timeout: Duration.seconds(30),
      ...LONG[name],
    });
    grantRead(fn, data.table);
    grantWrite(fn, data.table);
    if (fn.role && READS_IMPORTS.includes(name)) {
      grantImport(fn.role, data.bundles, name === 'PlanImport' ? 'plan' : 'carry out');
    }
    if (name === CALLS) this.#letCall(fn);
    if (name.startsWith(PUBLISHES)) bus.grantPutEventsTo(fn);
    synchronous(fn, 'A state machine alone calls it');
    return fn;
  }

  /** Only that document, and only on instances of this account that are tagged for it, in every region. */
  #letCall(fn: LambdaFunction): void {
    const arn = (service: string, resource: string, account?: string): string =>
      Stack.of(this).formatArn({
        service,
        resource,
        region: '*',
        ...(account === undefined ? {} : { account }),
      });
    const document = `${arn('ssm', 'document', '')}/${DOCUMENT}`;
    const instances = `${arn('ec2', 'instance')}/*`;
    fn.addToRolePolicy(new PolicyStatement({ actions: ['ssm:SendCommand'], resources: [document] }));
    fn.addToRolePolicy(
      new PolicyStatement({
        actions: ['ssm:SendCommand'],
        resources: [instances],
        conditions: { StringEquals: { [`ssm:resourceTag/${RUNNER_TAG.key}`]: RUNNER_TAG.value } },
      }),
    );
    fn.addToRolePolicy(new PolicyStatement({ actions: ['ssm:GetCommandInvocation'], resources: ['*'] }));
    if (!fn.role) return;
    acknowledge(fn.role, {
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ssm:*::document/${DOCUMENT}]`]:
        'Hosts are in any region; the document is one.',
      'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ec2:*:<AWS::AccountId>:instance/*]':
        'Hosts are in any region and come and go; a tag says which may be sent commands.',
    });
  }

  #machine(name: string, definition: string): StateMachine {
    const bound = tasksOf(definition).map(task => [task, this.#functionArn(task)]);
    const machine = new StateMachine(this, name, {
      stateMachineType: StateMachineType.STANDARD,
      // The text and not the file: tests of the template can read it. Neither form grants what it calls.
      definitionBody: DefinitionBody.fromString(definition),
      definitionSubstitutions: Object.fromEntries(bound),
      tracingEnabled: true,
      logs: {
        // Names under this prefix share one resource policy, whose size is limited.
        destination: new LogGroup(this, `${name}Log`, {
          logGroupName: `/aws/vendedlogs/states/${Stack.of(this).stackName}-${name}`,
          retention: RetentionDays.ONE_YEAR,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: LogLevel.ALL,
        includeExecutionData: true,
      },
    });
    machine.addToRolePolicy(
      new PolicyStatement({
        actions: ['lambda:InvokeFunction'],
        resources: bound.map(([, arn]) => arn ?? ''),
      }),
    );
    if (definition.includes('"DISTRIBUTED"')) this.#letSpread(name, machine);
    acknowledge(machine, {
      'AwsSolutions-IAM5[Resource::*]': 'Log deliveries and X-Ray know no resource but `*`.',
    });
    return machine;
  }

  /** A distributed Map starts executions of its own machine, and ends them when it fails. */
  #letSpread(name: string, machine: StateMachine): void {
    const policy = new Policy(this, `${name}Spread`, {
      statements: [
        new PolicyStatement({ actions: ['states:StartExecution'], resources: [machine.stateMachineArn] }),
        new PolicyStatement({
          actions: ['states:DescribeExecution', 'states:StopExecution'],
          resources: [
            Stack.of(this).formatArn({
              service: 'states',
              resource: 'execution',
              resourceName: `${machine.stateMachineName}/*`,
              arnFormat: ArnFormat.COLON_RESOURCE_NAME,
            }),
          ],
        }),
      ],
    });
    policy.attachToRole(machine.role);
    const logicalId = Stack.of(this).getLogicalId(machine.node.defaultChild as CfnElement);
    acknowledge(policy, {
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<${logicalId}.Name>/*]`]:
        'Names of the executions of a Map are given by Step Functions.',
    });
  }

  #functionArn(task: string): string {
    const fn = this.functions.get(task);
    if (fn === undefined) throw fail('not_found', `no function for the task \`${task}\``);
    return fn.functionArn;
  }
}
