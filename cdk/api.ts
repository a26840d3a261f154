import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  CorsHttpMethod,
  HttpApi,
  HttpMethod,
  HttpStage,
  LogGroupLogDestination,
  PayloadFormatVersion,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { CORS } from '../shared/api/cors.ts';
import { DOCUMENT_ROUTES } from '../shared/api/documents.ts';
import { gatewayRoutes } from '../shared/api/match.ts';
import { groups } from '../shared/api/routes.ts';
import { LIMITS } from '../shared/schema/config.ts';
import { acknowledge } from './acknowledge.ts';
import { bundleReader, grantUpload } from './bundles.ts';
import type { FlowDelivery } from './flows.ts';
import { functionRole, handler, synchronous } from './function.ts';
import { grantPublicKey, grantSign, rolePath } from './keys.ts';
import type { Parts } from './parts.ts';
import type { Settings } from './settings.ts';
import { grantRead, grantWrite } from './table-access.ts';

/** The group that signs tokens, and the one that lends read access to bundles. */
const TOKENS = 'tokens';
const ENFORCERS = 'enforcers';
/** The group that takes flow records. */
const FLOWS = 'flows';
/** The group that lets documents be uploaded. */
const IMPORTS = 'imports';
const UPGRADES = 'upgrades';
/** Groups whose functions are told more than the others. */
const TOLD_MORE = [ENFORCERS, FLOWS, IMPORTS, TOKENS] as const;

const { seconds } = Duration;

const accessLog = JSON.stringify({
  requestId: '$context.requestId',
  time: '$context.requestTime',
  ip: '$context.identity.sourceIp',
  userAgent: '$context.identity.userAgent',
  route: '$context.routeKey',
  path: '$context.path',
  status: '$context.status',
  bytes: '$context.responseLength',
  milliseconds: '$context.responseLatency',
  error: '$context.integrationErrorMessage',
});

/** Without its routes: functions need the URL, and the routes need the functions. */
export function httpApi(scope: Construct, settings: Settings): HttpApi {
  return new HttpApi(scope, 'HttpApi', {
    apiName: settings.name,
    description: 'The API of microseg',
    createDefaultStage: false,
    corsPreflight: {
      allowOrigins: settings.corsOrigins,
      allowMethods: CORS.methods.map(method => CorsHttpMethod[method]),
      allowHeaders: [...CORS.allowed],
      exposeHeaders: [...CORS.exposed],
      maxAge: seconds(CORS.maxAge),
    },
  });
}

/** Spelled out from the ID, since the stage's own URL would wait for routes, which wait for functions. */
export function urlOf(api: HttpApi): string {
  const { region, urlSuffix } = Stack.of(api);
  return `https://${api.httpApiId}.execute-api.${region}.${urlSuffix}`;
}

interface ApiProps extends Parts {
  front: HttpApi;
  delivery: FlowDelivery;
}

/** One function per noun group, which gets all that is sent to the paths of its operations. */
export class Api extends Construct {
  readonly front: HttpApi;
  readonly functions: readonly LambdaFunction[];
  /** What ends tasks of the upgrade workflow. */
  readonly upgrades: readonly LambdaFunction[];

  constructor(scope: Construct, id: string, props: ApiProps) {
    super(scope, id);
    this.front = props.front;
    this.#stage(props.settings);
    const functions = new Map(groups.map(group => [group, this.#group(group, props)]));
    const documents = this.#documents(props);
    this.functions = [...functions.values(), documents];
    this.upgrades = [...functions].flatMap(([group, fn]) =>
      group === UPGRADES || group === ENFORCERS ? [fn] : [],
    );
    const integrations = new Map(
      [...functions].map(([group, fn]) => [
        group,
        new HttpLambdaIntegration(`${group}Integration`, fn, {
          payloadFormatVersion: PayloadFormatVersion.VERSION_2_0,
          scopePermissionToRoute: false,
          timeout: seconds(LIMITS.requestSeconds),
        }),
      ]),
    );
    for (const { method, path, group } of gatewayRoutes) {
      const integration = integrations.get(group);
      if (integration !== undefined) {
        this.front.addRoutes({ path, methods: [HttpMethod[method]], integration });
      }
    }
    const pages = new HttpLambdaIntegration('documentsIntegration', documents, {
      payloadFormatVersion: PayloadFormatVersion.VERSION_2_0,
      scopePermissionToRoute: false,
      timeout: seconds(LIMITS.requestSeconds),
    });
    for (const path of DOCUMENT_ROUTES) {
      this.front.addRoutes({ path, methods: [HttpMethod.GET], integration: pages });
    }
    acknowledge(this.front, {
      'AwsSolutions-APIG4':
        'Each function authenticates and authorizes by the table of operations before its handler runs; a route without an `allow` entry does not start.',
    });
  }

  #stage(settings: Settings): void {
    const logGroup = new LogGroup(this, 'AccessLog', {
      retention: RetentionDays.ONE_YEAR,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    new HttpStage(this, 'Stage', {
      httpApi: this.front,
      stageName: '$default',
      autoDeploy: true,
      detailedMetricsEnabled: true,
      throttle: { rateLimit: settings.requestsPerSecond, burstLimit: settings.requestBurst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(logGroup),
        format: AccessLogFormat.custom(accessLog),
      },
    });
  }

  /** Reads its own files and nothing else. */
  #documents({ bundles, settings, values }: ApiProps): LambdaFunction {
    const fn = handler(this, 'documents', {
      bundles,
      entry: 'documents',
      handler: 'documents',
      description: `${settings.name} API: documents`,
      config: 'documents',
      values,
      timeout: seconds(LIMITS.requestSeconds),
    });
    synchronous(fn, 'API Gateway alone calls it');
    return fn;
  }

  #group(group: string, props: ApiProps): LambdaFunction {
    const { data, settings, bundles } = props;
    const description = `${settings.name} API: ${group}`;
    const path = group === TOKENS ? rolePath(settings.name, 'tokens') : undefined;
    const role = functionRole(this, group, description, path);
    const lends = group === ENFORCERS;
    const fn = handler(this, group, {
      bundles,
      entry: 'api',
      handler: group,
      description,
      role,
      config: TOLD_MORE.find(name => name === group) ?? 'api',
      values: lends
        ? { ...props.values, BUNDLE_READER_ROLE_ARN: bundleReader(this, data.bundles, role).roleArn }
        : props.values,
      timeout: seconds(LIMITS.requestSeconds),
    });
    grantRead(role, data.table);
    grantWrite(role, data.table);
    grantPublicKey(role, ...data.keys.tokens);
    if (group === IMPORTS) grantUpload(role, data.bundles);
    if (group === FLOWS) props.delivery.grantUse(role, data.flows);
    if (group === TOKENS) grantSign(role, data.keys.token);
    synchronous(fn, 'API Gateway alone calls it');
    return fn;
  }
}
