import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccessLogFormat, CfnAccount } from 'aws-cdk-lib/aws-apigateway';
import {
  type CfnApi,
  LogGroupLogDestination,
  WebSocketApi,
  WebSocketStage,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DeduplicationScope, FifoThroughputLimit, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { LIMITS } from '../shared/schema/config.ts';
import { acknowledge } from './acknowledge.ts';
import { deadLetters } from './dead-letters.ts';
import { functionRole, handler, synchronous } from './function.ts';
import { grantPublicKey } from './keys.ts';
import type { Parts } from './parts.ts';
import type { Settings } from './settings.ts';
import { grantRead, grantWriteConnections } from './table-access.ts';

/** Name of the stage, and so the path of push events: the original's. */
const STAGE = 'events';

/** Seconds that one call of `push` may take, and how often it is tried. */
const TELLING = 60;
const TRIES = 3;

/** Not the query: the token is in it. */
const accessLog = JSON.stringify({
  requestId: '$context.requestId',
  time: '$context.requestTime',
  ip: '$context.identity.sourceIp',
  userAgent: '$context.identity.userAgent',
  route: '$context.routeKey',
  event: '$context.eventType',
  connection: '$context.connectionId',
  status: '$context.status',
  error: '$context.integrationErrorMessage',
});

/** Without its routes: functions need the URL, and the routes need the functions. */
export const socketApi = (scope: Construct, settings: Settings): WebSocketApi =>
  new WebSocketApi(scope, 'SocketApi', {
    apiName: `${settings.name}-events`,
    description: 'Push events of microseg',
    // A PushConfig has no such attribute: whatever a listener says goes to $default.
    routeSelectionExpression: '$request.body.action',
  });

/** Where listeners come to, and over https where messages for them are taken. */
export function eventsUrlOf(api: WebSocketApi): string {
  const { region, urlSuffix } = Stack.of(api);
  return `wss://${api.apiId}.execute-api.${region}.${urlSuffix}/${STAGE}`;
}

interface ListenersProps extends Parts {
  socket: WebSocketApi;
}

/** Who listens to push events, and what tells them. */
export class Listeners extends Construct {
  readonly socket: WebSocketApi;
  /** What listeners are told: of a tenant in the order in which it was queued. */
  readonly queue: Queue;
  readonly functions: LambdaFunction[] = [];
  readonly queues: Queue[] = [];

  constructor(scope: Construct, id: string, props: ListenersProps) {
    super(scope, id);
    this.socket = props.socket;
    this.queue = this.#queue();
    this.#stage(props.settings);
    this.#listener(props);
    this.#push(props);
    this.#review(props);
  }

  #stage(settings: Settings): void {
    const logGroup = new LogGroup(this, 'AccessLog', {
      retention: RetentionDays.ONE_YEAR,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const stage = new WebSocketStage(this, 'Stage', {
      webSocketApi: this.socket,
      stageName: STAGE,
      autoDeploy: true,
      detailedMetricsEnabled: true,
      throttle: { rateLimit: settings.requestsPerSecond, burstLimit: settings.requestBurst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(logGroup),
        format: AccessLogFormat.custom(accessLog),
      },
    });
    stage.node.addDependency(this.#logger());
  }

  /**
   * The role by which API Gateway writes logs of WebSockets: of HTTP APIs it needs none. It is one for the account and the
   * region, so that it stays when this stack goes: others may have come to rely on it.
   */
  #logger(): CfnAccount {
    const role = new Role(this, 'Logger', {
      assumedBy: new ServicePrincipal('apigateway.amazonaws.com'),
      description: 'Writes logs of API Gateway, of the whole account',
      managedPolicies: [
        ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonAPIGatewayPushToCloudWatchLogs'),
      ],
    });
    role.applyRemovalPolicy(RemovalPolicy.RETAIN);
    acknowledge(role, {
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]':
        'The role serves every API of the account; the policy is what AWS says it needs.',
    });
    const account = new CfnAccount(this, 'LoggerOfAccount', { cloudWatchRoleArn: role.roleArn });
    account.applyRemovalPolicy(RemovalPolicy.RETAIN);
    return account;
  }

  /** Events are news: what could not be told for an hour is told nobody. */
  #queue(): Queue {
    const failures = deadLetters(this, 'push', { fifo: true });
    this.queues.push(failures);
    return new Queue(this, 'Queue', {
      fifo: true,
      fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
      deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // An object has up to 400 KB, and a change is one message.
      maxMessageSizeBytes: 1024 * 1024,
      retentionPeriod: Duration.hours(1),
      visibilityTimeout: Duration.seconds(6 * TELLING),
      deadLetterQueue: { queue: failures, maxReceiveCount: TRIES },
    });
  }

  /** Lets in who may read something, and nobody else: $connect fails unless this function says otherwise. */
  #listener(props: ListenersProps): void {
    const { data, settings, bundles, values } = props;
    const role = this.#role('listener', props);
    grantPublicKey(role, ...data.keys.tokens);
    const fn = handler(this, 'listener', {
      bundles,
      values,
      role,
      entry: 'listeners',
      handler: 'listener',
      description: `${settings.name} push events: listener`,
      config: 'listener',
      timeout: Duration.seconds(LIMITS.requestSeconds),
    });
    this.functions.push(fn);
    synchronous(fn, 'API Gateway alone calls it');
    for (const route of ['$connect', '$disconnect', '$default']) {
      this.socket.addRoute(route, {
        integration: new WebSocketLambdaIntegration(`${route.slice(1)}Integration`, fn, {
          timeout: Duration.seconds(LIMITS.requestSeconds),
        }),
      });
    }
    acknowledge(this.socket, {
      'AwsSolutions-APIG4':
        'The function behind $connect authenticates and authorizes as every operation does, and a connection opens only if it answers 200; the other routes exist for open connections only.',
    });
  }

  #push(props: ListenersProps): void {
    const fn = this.#teller('push', props, Duration.seconds(TELLING));
    fn.addEventSource(new SqsEventSource(this.queue, { batchSize: 10 }));
    const reason = 'What it fails on ends in the dead-letter queue of its queue.';
    acknowledge(fn, {
      'Serverless-LambdaDLQ': reason,
      'Serverless-LambdaEventSourceMappingDestination': reason,
    });
  }

  #review(props: ListenersProps): void {
    const fn = this.#teller('reviewListeners', props, Duration.minutes(5));
    const failures = deadLetters(this, 'reviewListeners');
    this.queues.push(failures);
    fn.configureAsyncInvoke({
      onFailure: new SqsDestination(failures),
      retryAttempts: 0,
      maxEventAge: Duration.minutes(5),
    });
    acknowledge(fn, {
      'Serverless-LambdaDLQ':
        'Failed events go to its failure destination, which holds the error beside the event.',
    });
    new Rule(this, 'ReviewListenersRule', {
      description: 'Hangs up on listeners who may read nothing any more',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [
        new LambdaTarget(fn, {
          deadLetterQueue: failures,
          retryAttempts: 3,
          maxEventAge: Duration.minutes(5),
        }),
      ],
    });
  }

  #teller(name: string, props: ListenersProps, timeout: Duration): LambdaFunction {
    const { settings, bundles, values } = props;
    const fn = handler(this, name, {
      bundles,
      values,
      role: this.#role(name, props),
      entry: 'events',
      handler: name,
      description: `${settings.name} push events: ${name}`,
      config: 'push',
      timeout,
    });
    this.functions.push(fn);
    return fn;
  }

  /** Reads what decides who may hear what, keeps connections, sends over them and ends them; changes no object. */
  #role(name: string, { data, settings }: ListenersProps): Role {
    const role = functionRole(this, name, `${settings.name} push events: ${name}`);
    grantRead(role, data.table);
    grantWriteConnections(role, data.table);
    const connections = Stack.of(this).formatArn({
      service: 'execute-api',
      resource: this.socket.apiId,
      resourceName: `${STAGE}/*/@connections/*`,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
    role.addToPrincipalPolicy(
      new PolicyStatement({ actions: ['execute-api:ManageConnections'], resources: [connections] }),
    );
    const api = Stack.of(this).getLogicalId(this.socket.node.defaultChild as CfnApi);
    acknowledge(role, {
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<${api}>/${STAGE}/*/@connections/*]`]:
        'Connections have no names that are known before they open.',
    });
    return role;
  }
}
