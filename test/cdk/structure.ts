import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { definitions, PUBLISHES, tasksOf } from '../../cdk/workflows.ts';
import { DOCUMENT_ROUTES } from '../../shared/api/documents.ts';
import { gatewayRoutes } from '../../shared/api/match.ts';
import { operations, routes } from '../../shared/api/routes.ts';
import { configOf } from '../../shared/schema/config.ts';
import { consumed } from '../../shared/schema/event.ts';
import { TABLE } from '../../shared/schema/table.ts';
import { allowed, ofProtocol, ofType, type Resource, type Resources, refersTo } from './synthesized.ts';

const functionsFolder = join(import.meta.dirname, '..', '..', 'functions');
const entries = ['api', 'tasks', 'events', 'documents', 'listeners'].filter(entry =>
  existsSync(join(functionsFolder, 'lambda', `${entry}.ts`)),
);

const KINDS: Readonly<Record<string, keyof typeof configOf>> = {
  documents: 'documents',
  enforcers: 'enforcers',
  flows: 'flows',
  imports: 'imports',
  tokens: 'tokens',
  cloudAccountOnboarded: 'onboard',
  objectChanged: 'changes',
  publish: 'publish',
  resign: 'publish',
  lostEnforcers: 'sweep',
  expiredAuthorizations: 'sweep',
  oldImports: 'importSweep',
  stuckDeletions: 'deletionSweep',
  ApplyImport: 'importTask',
  PlanImport: 'importTask',
  ValidateImport: 'importTask',
  CallRunners: 'callTask',
  bootstrap: 'bootstrap',
  listener: 'listener',
  push: 'push',
  reviewListeners: 'push',
};

/** Entries that hold one function, by its name. */
const OWN_ENTRY: Readonly<Record<string, string>> = { documents: 'documents', listener: 'listeners' };

const AlarmMetrics = z.array(
  z.object({
    MetricStat: z
      .object({ Metric: z.object({ MetricName: z.string(), Dimensions: z.array(z.unknown()) }) })
      .optional(),
  }),
);

/** EnsureNamespace → ensure-namespace.ts */
const fileOf = (task: string): string => `${task.replace(/(?<!^)([A-Z])/g, '-$1').toLowerCase()}.ts`;

export function structureHolds(data: Resources, rest: Resources): void {
  const functions = ofType(rest, 'AWS::Lambda::Function');
  const nameOf = (fn: Resource): string => String(fn.Properties.Handler).replace('index.', '');
  const called = (name: string): string => functions.find(([, fn]) => nameOf(fn) === name)?.[0] ?? '';
  const one = (resources: Resources, type: string): Record<string, unknown> =>
    ofType(resources, type)[0]?.[1].Properties ?? {};
  const isTask = (name: string): boolean => /^[A-Z]/.test(name);

  describe('data', () => {
    it('is kept when the stack is deleted', () => {
      const kinds = ['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::KMS::Key', 'AWS::Cognito::UserPool'];
      const kept = kinds.flatMap(kind => ofType(data, kind));
      expect(kept.map(([, { DeletionPolicy }]) => DeletionPolicy)).toEqual(Array(10).fill('Retain'));
    });

    it('has a table that can be restored, cannot be dropped, and tells what changed', () => {
      expect(one(data, 'AWS::DynamoDB::Table')).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
        StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
        TimeToLiveSpecification: { AttributeName: TABLE.ttl, Enabled: true },
        GlobalSecondaryIndexes: Object.values(TABLE.indexes).map(index => ({
          IndexName: index.name,
          KeySchema: [
            { AttributeName: index.pk, KeyType: 'HASH' },
            { AttributeName: index.sk, KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: index.projection },
        })),
      });
    });

    it('has buckets that are encrypted, closed to the public and to plain HTTP', () => {
      for (const [id, { Properties }] of ofType(data, 'AWS::S3::Bucket')) {
        expect(Properties, id).toMatchObject({
          BucketEncryption: {},
          PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
        });
        const policy = ofType(data, 'AWS::S3::BucketPolicy').find(([, p]) =>
          refersTo(p.Properties.Bucket, id),
        );
        expect(JSON.stringify(policy), id).toContain('"aws:SecureTransport":"false"');
      }
    });

    it('keeps replaced versions of bundles for a while and writes down who read them', () => {
      const [, bundles] =
        ofType(data, 'AWS::S3::Bucket').find(([id]) => id.startsWith('BundlesBucket')) ?? [];
      expect(bundles?.Properties).toMatchObject({
        VersioningConfiguration: { Status: 'Enabled' },
        LoggingConfiguration: { LogFilePrefix: 'bundles/' },
        LifecycleConfiguration: {
          Rules: expect.arrayContaining([
            expect.objectContaining({ NoncurrentVersionExpiration: { NoncurrentDays: 30 } }),
          ]),
        },
      });
    });

    it('forgets what was uploaded for imports after a week, and nothing else', () => {
      const [, bundles] =
        ofType(data, 'AWS::S3::Bucket').find(([id]) => id.startsWith('BundlesBucket')) ?? [];
      const lifecycle = bundles?.Properties.LifecycleConfiguration;
      const { Rules } = z.object({ Rules: z.array(z.record(z.string(), z.unknown())) }).parse(lifecycle);
      const expiring = Rules.filter(({ ExpirationInDays }) => ExpirationInDays !== undefined);
      expect(expiring.map(({ Prefix, ExpirationInDays }) => [Prefix, ExpirationInDays])).toEqual([
        ['uploads/', 7],
        ['imports/', 7],
      ]);
    });
  });

  describe('API', () => {
    const http = ofProtocol(rest, 'HTTP');
    const ofHttp = (type: string) =>
      ofType(rest, type).filter(([, { Properties }]) => refersTo(Properties.ApiId, http[0]));

    it('sends every path of the table to the function of its group', () => {
      const made = ofHttp('AWS::ApiGatewayV2::Route').map(([, { Properties }]) => {
        const integration = ofType(rest, 'AWS::ApiGatewayV2::Integration').find(([id]) =>
          refersTo(Properties.Target, id),
        );
        const served = functions.filter(([id]) => refersTo(integration?.[1].Properties.IntegrationUri, id));
        return `${Properties.RouteKey} ${served.map(([, fn]) => nameOf(fn)).join()}`;
      });
      // The quota of an HTTP API; more are granted on request only.
      expect(made.length).toBeLessThanOrEqual(300);
      expect(made.sort()).toEqual(
        [
          ...gatewayRoutes.map(({ method, path, group }) => `${method} ${path} ${group}`),
          ...DOCUMENT_ROUTES.map(path => `GET ${path} documents`),
        ].sort(),
      );
    });

    it('speaks payload format 2.0 and waits as long as API Gateway allows', () => {
      for (const [id, { Properties }] of ofHttp('AWS::ApiGatewayV2::Integration')) {
        expect(Properties, id).toMatchObject({ PayloadFormatVersion: '2.0', TimeoutInMillis: 29_000 });
      }
    });

    it('logs each access, throttles, and shows browsers the headers of lists', () => {
      expect(ofHttp('AWS::ApiGatewayV2::Stage')[0]?.[1].Properties).toMatchObject({
        AccessLogSettings: { Format: expect.stringContaining('$context.requestId') },
        DefaultRouteSettings: { ThrottlingRateLimit: 500, ThrottlingBurstLimit: 1000 },
      });
      expect(http[1].Properties).toMatchObject({
        CorsConfiguration: {
          ExposeHeaders: expect.arrayContaining(['x-count-total', 'x-messages', 'x-next']),
        },
      });
    });
  });

  describe('functions', () => {
    it.each(functions.map(([id, fn]) => [nameOf(fn), id, fn] as const))(
      '%s has the variables of its kind, a trace, a limit and a log that ends',
      (name, _id, fn) => {
        const kind = KINDS[name] ?? (isTask(name) ? 'task' : 'api');
        expect(Object.keys(Object(fn.Properties.Environment).Variables).sort()).toEqual(
          [...configOf[kind], 'NODE_OPTIONS'].sort(),
        );
        expect(fn.Properties).toMatchObject({
          Runtime: 'nodejs24.x',
          TracingConfig: { Mode: 'Active' },
          LoggingConfig: { LogFormat: 'JSON' },
          Timeout: expect.any(Number),
        });
        const log = ofType(rest, 'AWS::Logs::LogGroup').find(([id]) =>
          refersTo(fn.Properties.LoggingConfig, id),
        );
        expect(log?.[1].Properties.RetentionInDays).toBeGreaterThan(0);
      },
    );

    it.each(entries)('of %s.ts are exported by it', entry => {
      const { metafile } = buildSync({
        entryPoints: [join(functionsFolder, 'lambda', `${entry}.ts`)],
        bundle: false,
        format: 'esm',
        write: false,
        metafile: true,
        outdir: '.',
      });
      const exported = Object.values(metafile.outputs).flatMap(output => output.exports);
      const groups = new Set<string>(operations.map(operation => routes[operation].group));
      const entryOf = (name: string): string =>
        isTask(name) ? 'tasks' : groups.has(name) ? 'api' : (OWN_ENTRY[name] ?? 'events');
      const wanted = functions.map(([, fn]) => nameOf(fn)).filter(name => entryOf(name) === entry);
      expect(exported).toEqual(expect.arrayContaining(wanted));
    });
  });

  describe('events', () => {
    it('that are consumed each have a rule on the bus that carries them, with a dead-letter queue', () => {
      for (const [name, { source, ...pattern }] of Object.entries(consumed)) {
        const rule = ofType(rest, 'AWS::Events::Rule').find(([id]) => id.startsWith(`Events${name}Rule`));
        expect(rule?.[1].Properties, name).toMatchObject({
          EventPattern: { source, ...pattern },
          Targets: [{ DeadLetterConfig: { Arn: {} } }],
        });
        expect(refersTo(rule?.[1].Properties.Targets, called('cloudAccountOnboarded')), name).toBe(true);
        const own = ofType(rest, 'AWS::Events::EventBus').some(([id]) =>
          refersTo(rule?.[1].Properties.EventBusName ?? null, id),
        );
        expect(own, name).toBe(source[0] === 'microseg');
      }
    });

    it('that functions fail on end in a queue', () => {
      const invoked = ofType(rest, 'AWS::Events::Rule').map(([, rule]) => rule.Properties.Targets);
      const async = functions.filter(([id]) => invoked.some(targets => refersTo(targets, id)));
      expect(async.map(([, fn]) => nameOf(fn)).sort()).toEqual([
        'cloudAccountOnboarded',
        'expiredAuthorizations',
        'lostEnforcers',
        'oldImports',
        'resign',
        'reviewListeners',
        'stuckDeletions',
      ]);
      for (const [id] of async) {
        const config = ofType(rest, 'AWS::Lambda::EventInvokeConfig').find(([, c]) =>
          refersTo(c.Properties.FunctionName, id),
        );
        expect(config?.[1].Properties).toMatchObject({
          DestinationConfig: { OnFailure: { Destination: {} } },
        });
      }
    });

    it('of the stream reach each reader filtered, halved on failure, and are set aside in the end', () => {
      const mappings = ofType(rest, 'AWS::Lambda::EventSourceMapping')
        .map(([, { Properties }]) => Properties)
        .filter(({ StartingPosition }) => StartingPosition !== undefined);
      const readers = mappings.map(({ FunctionName }) =>
        nameOf(functions.find(([id]) => refersTo(FunctionName, id))?.[1] ?? { Type: '', Properties: {} }),
      );
      expect(readers.sort()).toEqual(['objectChanged', 'publish']);
      for (const mapping of mappings) {
        expect(mapping).toMatchObject({
          BisectBatchOnFunctionError: true,
          FunctionResponseTypes: ['ReportBatchItemFailures'],
          MaximumRetryAttempts: 20,
          DestinationConfig: { OnFailure: { Destination: {} } },
          FilterCriteria: { Filters: [{ Pattern: expect.stringMatching(/^.{1,4096}$/) }] },
        });
      }
    });

    it('wait in queues that are encrypted and refuse plain HTTP', () => {
      const queues = ofType(rest, 'AWS::SQS::Queue');
      expect(queues).toHaveLength(11);
      for (const [id, { Properties }] of queues) {
        expect(Properties, id).toMatchObject({ SqsManagedSseEnabled: true });
        const policy = ofType(rest, 'AWS::SQS::QueuePolicy').find(([, p]) =>
          refersTo(p.Properties.Queues, id),
        );
        expect(JSON.stringify(policy), id).toContain('"aws:SecureTransport":"false"');
      }
    });
  });

  describe('workflows', () => {
    const machines = ofType(rest, 'AWS::StepFunctions::StateMachine');

    it('are one state machine per file, logged whole and traced', () => {
      expect(machines.map(([, { Properties }]) => Properties.DefinitionString).sort()).toEqual(
        [...definitions.values()].sort(),
      );
      for (const [id, { Properties }] of machines) {
        expect(Properties, id).toMatchObject({
          LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: true },
          TracingConfiguration: { Enabled: true },
        });
      }
    });

    it('call by each name the function of that name, and may', () => {
      for (const [id, { Properties }] of machines) {
        const tasks = tasksOf(String(Properties.DefinitionString));
        const bound = Object.entries(Object(Properties.DefinitionSubstitutions));
        expect(bound.map(([name]) => name).sort(), id).toEqual(tasks);
        for (const [name, arn] of bound) expect(refersTo(arn, called(name)), name).toBe(true);
        const granted = allowed(rest)
          .filter(({ Action, roles }) =>
            Action.includes('lambda:InvokeFunction')
              ? roles.some(role => refersTo(Properties.RoleArn, role))
              : false,
          )
          .flatMap(({ Resource }) => Resource);
        expect(tasks.filter(task => !granted.some(arn => refersTo(arn, called(task))))).toEqual([]);
        expect(granted).toHaveLength(tasks.length);
      }
    });

    it('name tasks that have a file, and no file is without a workflow', () => {
      const files = readdirSync(join(functionsFolder, 'tasks')).filter(
        file => file !== 'task.ts' && file !== 'index.ts',
      );
      const named = new Set([...definitions.values()].flatMap(tasksOf));
      expect([...named].map(fileOf).sort()).toEqual(files.sort());
    });

    it('let a task put events on the bus exactly if its name says so', () => {
      const puts = allowed(rest)
        .filter(({ Action }) => Action.includes('events:PutEvents'))
        .flatMap(({ roles }) => roles);
      const publishing = functions.filter(([, fn]) => puts.some(role => refersTo(fn.Properties.Role, role)));
      const using = readdirSync(join(functionsFolder, 'tasks'))
        .filter(file => /\bbus\.publish\b/.test(readFileSync(join(functionsFolder, 'tasks', file), 'utf8')))
        .sort();
      expect(publishing.map(([, fn]) => fileOf(nameOf(fn))).sort()).toEqual(using);
      expect(publishing.every(([, fn]) => nameOf(fn).startsWith(PUBLISHES))).toBe(true);
    });
  });

  describe('alarms', () => {
    const alarms = ofType(rest, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);
    const watched = (name: string) =>
      alarms
        .flatMap(({ Metrics }) => AlarmMetrics.parse(Metrics))
        .flatMap(({ MetricStat }) => (MetricStat?.Metric.MetricName === name ? [MetricStat.Metric] : []));

    it('tell a topic that only takes TLS and is encrypted with its own key', () => {
      const [topic] = ofType(rest, 'AWS::SNS::Topic').map(([id]) => id);
      expect(one(rest, 'AWS::SNS::Topic').KmsMasterKeyId).toBeDefined();
      expect(alarms.every(({ AlarmActions }) => refersTo(AlarmActions, topic ?? ''))).toBe(true);
    });

    it('watch every queue, every function for errors and throttles, and every workflow', () => {
      const expected = [
        ['Errors', 'AWS::Lambda::Function'],
        ['Throttles', 'AWS::Lambda::Function'],
        ['ApproximateNumberOfMessagesVisible', 'AWS::SQS::Queue'],
        ['ExecutionsFailed', 'AWS::StepFunctions::StateMachine'],
        ['5xx', 'AWS::ApiGatewayV2::Api', 'HTTP'],
        ['ExecutionError', 'AWS::ApiGatewayV2::Api', 'WEBSOCKET'],
      ] as const;
      // The age of what waits in the queue is watched instead: it is there to be filled.
      const isQueue = (id: string): boolean => id.startsWith('ListenersQueue');
      for (const [metric, type, protocol] of expected) {
        const ids = ofType(rest, type)
          .filter(([, { Properties }]) => protocol === undefined || Properties.ProtocolType === protocol)
          .map(([id]) => id)
          .filter(id => !isQueue(id));
        expect(
          ids.filter(id => !watched(metric).some(metric => refersTo(metric, id))),
          metric,
        ).toEqual([]);
      }
      expect(watched('IteratorAge')).toHaveLength(2);
      expect(watched('ApproximateAgeOfOldestMessage')).toHaveLength(1);
      expect(watched('DeliveryToS3.DataFreshness')).toHaveLength(1);
    });

    it('stay within the metrics that CloudWatch takes in one alarm', () => {
      const sizes = alarms.map(({ Metrics }) => AlarmMetrics.parse(Metrics).filter(m => m.MetricStat).length);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(10);
    });
  });
}
