import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import { Alarms } from './alarms.ts';
import { Api, httpApi, urlOf } from './api.ts';
import { Bundles } from './code.ts';
import type { DataStack } from './data.ts';
import { Events } from './events.ts';
import { FlowDelivery } from './flows.ts';
import type { Values } from './function.ts';
import { eventsUrlOf, Listeners, socketApi } from './listeners.ts';
import type { Settings } from './settings.ts';
import { Workflows } from './workflows.ts';

/** Everything that can be deleted and made again: functions, API, workflows, bus, alarms. */
export class AppStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps & { settings: Settings; data: DataStack }) {
    super(scope, id, props);
    const { settings, data } = props;
    const bundles = new Bundles();
    const bus = new EventBus(this, 'Bus', { description: 'Events of microseg' });
    const front = httpApi(this, settings);
    const socket = socketApi(this, settings);

    const delivery = new FlowDelivery(this, 'FlowDelivery', data.flows);

    const values: Values = {
      TABLE_NAME: data.table.tableName,
      BUNDLES_BUCKET: data.bundles.bucket.bucketName,
      FLOWS_BUCKET: data.flows.bucket.bucketName,
      FLOW_STREAM: delivery.stream.ref,
      BUS_NAME: bus.eventBusName,
      RUNNER_ACCOUNT: Stack.of(this).account,
      TOKEN_KEY_ID: data.keys.token.keyId,
      TOKEN_KEY_IDS: data.keys.tokens.map(({ keyId }) => keyId).join(','),
      TARGETS_KEY_ID: data.keys.targets.keyId,
      SNAPSHOT_KEY_ID: data.keys.snapshot.keyId,
      TIMESTAMP_KEY_ID: data.keys.timestamp.keyId,
      API_URL: urlOf(front),
      EVENTS_URL: eventsUrlOf(socket),
      DEFAULT_TENANT: settings.defaultTenant,
      PC_ISSUER: settings.pcIssuer,
      PC_AUDIENCE: settings.pcAudience,
      AZURE_AUDIENCE: settings.azureAudience,
      GCP_AUDIENCE: settings.gcpAudience,
      PRIVATE_ISSUERS: settings.privateIssuers,
      ACTIVITY_DAYS: String(settings.activityDays),
      LOG_LEVEL: settings.logLevel,
    };
    const parts = { settings, data, bundles };
    const workflows = new Workflows(this, 'Workflows', { ...parts, values, bus });
    const api = new Api(this, 'Api', { ...parts, values, front, delivery });
    for (const fn of api.upgrades) workflows.machine('upgrade-enforcers').grantTaskResponse(fn);
    const listeners = new Listeners(this, 'Listeners', { ...parts, values, socket });
    const events = new Events(this, 'Events', {
      ...parts,
      values: {
        ...values,
        PUSH_QUEUE_URL: listeners.queue.queueUrl,
        ONBOARD_ACCOUNT_ARN: workflows.machine('onboard-account').stateMachineArn,
        DELETE_NAMESPACE_ARN: workflows.machine('delete-namespace').stateMachineArn,
        IMPORT_OBJECTS_ARN: workflows.machine('import-objects').stateMachineArn,
        MOVE_UNITS_ARN: workflows.machine('move-units').stateMachineArn,
        UPGRADE_ENFORCERS_ARN: workflows.machine('upgrade-enforcers').stateMachineArn,
      },
      onboard: workflows.machine('onboard-account'),
      deleteNamespace: workflows.machine('delete-namespace'),
      importObjects: workflows.machine('import-objects'),
      moveUnits: workflows.machine('move-units'),
      upgradeEnforcers: workflows.machine('upgrade-enforcers'),
      bus,
      listeners,
    });
    new Alarms(this, 'Alarms', { api, workflows, events, listeners, table: data.table, delivery });

    new CfnOutput(this, 'ApiUrl', { value: urlOf(front), description: 'The API, issuer of tokens' });
    new CfnOutput(this, 'EventsUrl', { value: eventsUrlOf(socket), description: 'Push events' });
    new CfnOutput(this, 'BusName', {
      value: bus.eventBusName,
      description: 'Where CloudAccountOnboarded is put',
    });
    new CfnOutput(this, 'BootstrapFunction', {
      value: events.bootstrap.functionName,
      description: 'Makes the first credential of the root namespace',
    });
  }
}
