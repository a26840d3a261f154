import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Client, createClient, credentialToken } from '../../shared/api/client.ts';
import { Credential } from '../../shared/schema/appcredential.ts';
import type { FlowReport } from '../../shared/schema/flowreport.ts';
import { flowAt } from '../contract/flow-store.ts';
import { freshTenant } from '../make/objects.ts';
import { partition } from './lane/delivery.ts';
import { installation } from './lane/installation.ts';
import { invoke } from './lane/request.ts';

const { config, wire, bootstrap, callsFunctions, has } = installation();

describe.skipIf(!callsFunctions || !has('kinesisfirehose'))('flow records over the AWS adapters', () => {
  let client: Client;
  beforeAll(async () => {
    const credential = Credential.parse(await invoke(wire, bootstrap, {}));
    const token = credentialToken(credential, { now: Date.now, randomBytes });
    client = createClient({ api: config.API_URL, token });
  });

  it('go through the function, Firehose and S3, and are read once though they were sent twice', async () => {
    const namespace = freshTenant();
    await client.call('createNamespace', { namespace: '/', body: { name: namespace.slice(1) } });
    const now = Date.now();
    const body = [0, 1, 2].map(ago => flowAt(namespace, new Date(now - ago * 60_000).toISOString()));
    for (let time = 0; time < 2; time++) {
      const { body: receipt } = await client.call('createFlowReports', { namespace, body });
      expect(receipt).toEqual({ accepted: 3 });
    }
    await partition(wire, config.FLOWS_BUCKET);
    const query = { startRelative: '90s' };
    const { body: found } = await client.call('listFlowReports', { namespace, query });
    // Each is kept under an ID of its own.
    const withoutID = (reports: readonly FlowReport[]) => reports.map(({ ID: _, ...said }) => said);
    expect(withoutID(found)).toEqual(withoutID(body.slice(0, 2)));
    const { body: maps } = await client.call('listDependencyMaps', { namespace });
    expect(maps).toMatchObject([
      { records: 3, edges: { 'source-somewhere': { acceptedFlows: 3, acceptedByDefault: 3 } } },
    ]);
  });
});
