import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBucket } from '../../shared/adapters/aws/bucket.ts';
import { openBundleAccess } from '../../shared/adapters/aws/bundle-access.ts';
import { openBus } from '../../shared/adapters/aws/bus.ts';
import { changesFromStream } from '../../shared/adapters/aws/change-feed.ts';
import { asFailure } from '../../shared/adapters/aws/client.ts';
import { openObjectStore } from '../../shared/adapters/aws/object-store.ts';
import { openSigner } from '../../shared/adapters/aws/signer.ts';
import { openUploads } from '../../shared/adapters/aws/uploads.ts';
import { openWorkflows } from '../../shared/adapters/aws/workflows.ts';
import type { Write } from '../../shared/ports/object-store.ts';
import { Failure } from '../../shared/schema/failure.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { onboarded } from '../contract/bus.ts';
import { type Canned, type CannedServer, cannedServer } from '../make/canned-server.ts';
import { testClock } from '../make/clock.ts';
import { create, makeNamespace, makeNetwork, nextID } from '../make/objects.ts';

/** What only a service at fault or under load answers; everything else is in the contract suites of the AWS lane. */
let server: CannedServer;
let connection: {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
};
beforeEach(async () => {
  server = await cannedServer();
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  connection = { endpoint: server.url, region: 'eu-west-1', credentials };
});
afterEach(() => server.stop());

const kindOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'done';
  } catch (error) {
    return error instanceof Failure ? error.kind : `bare ${error instanceof Error ? error.name : error}`;
  }
};

describe('a place for an upload', () => {
  it('is signed for one size and one type', async () => {
    const uploads = openUploads({ ...connection, bucket: 'b' }, testClock());
    const { url, headers } = await uploads.place('uploads/x', { size: 7, contentType: 'application/json' });
    const { pathname, searchParams } = new URL(url);
    expect(pathname).toBe('/b/uploads/x');
    expect(searchParams.get('X-Amz-SignedHeaders')).toBe('content-length;content-type;host');
    expect(searchParams.get('X-Amz-Expires')).toBe('3600');
    expect(headers).toEqual({ 'content-length': '7', 'content-type': 'application/json' });
  });
});

describe('a transaction', () => {
  const tenant = NamespacePath.parse('/t');
  /** Chance of zero: what is tried again is tried at once. */
  const clock = { ...testClock(), randomBytes: (size: number) => new Uint8Array(size) };
  const commit = (...writes: Write[]): Promise<string> =>
    kindOf(openObjectStore({ ...connection, tableName: 'table' }, clock).commit(writes));
  const createNamespace = (): Write => create('namespace', makeNamespace(NamespacePath.parse('/t/a')));
  /** One reason for each item; of a namespace the first two are the object and the guard of its name. */
  const cancelled = (...codes: string[]): Canned => ({
    status: 400,
    body: {
      __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
      CancellationReasons: codes.map(Code => ({ Code })),
    },
  });

  it('is repeated while it meets others, until it is done', async () => {
    server.answers.push(
      cancelled('TransactionConflict', 'None', 'None'),
      cancelled('None', 'TransactionConflict', 'None'),
      { body: {} },
    );
    expect(await commit(createNamespace())).toBe('done');
    expect(server.received).toHaveLength(3);
  });

  it('is repeated while it meets others, until it is clear whose condition holds', async () => {
    server.answers.push(
      cancelled('TransactionConflict', 'None', 'None'),
      cancelled('None', 'ConditionalCheckFailed', 'None'),
    );
    expect(await commit(createNamespace())).toBe('duplicate');
  });

  it('says what the first condition that did not hold means', async () => {
    server.answers.push(cancelled('ConditionalCheckFailed', 'ConditionalCheckFailed', 'None'));
    expect(await commit(createNamespace())).toBe('conflict');
    server.answers.splice(0, 1, cancelled('ConditionalCheckFailed'));
    expect(await commit({ kind: 'require', namespace: tenant })).toBe('not_found');
  });

  it('gives up after ten meetings', async () => {
    server.answers.push(cancelled('TransactionConflict', 'None', 'None'));
    expect(await commit(createNamespace())).toBe('unavailable');
    expect(server.received).toHaveLength(10);
  });

  it('is told from one that was throttled and from one that was wrong', async () => {
    server.answers.push(cancelled('None', 'ProvisionedThroughputExceeded', 'None'));
    expect(await commit(createNamespace())).toBe('too_many_requests');
    server.answers.splice(0, 1, cancelled('ValidationError', 'None', 'None'));
    expect(await commit(createNamespace())).toBe('bare TransactionCanceledException');
  });

  it('carries a token of its own, so that the SDK may send it twice', async () => {
    server.answers.push({ body: {} });
    await commit(createNamespace());
    await commit(createNamespace());
    const tokens = server.received.map(({ body }) => JSON.parse(body).ClientRequestToken);
    expect(tokens).toEqual([expect.stringMatching(/^.{36}$/), expect.stringMatching(/^.{36}$/)]);
    expect(tokens[0]).not.toBe(tokens[1]);
  });
});

describe('an error of the SDK', () => {
  const named = (name: string, more: object = {}): Error =>
    Object.assign(new Error('text'), { name, ...more });
  it.each([
    [named('ThrottlingException'), 'too_many_requests'],
    [named('SlowDown', { $fault: 'server' }), 'too_many_requests'],
    [named('InternalServerError', { $fault: 'server' }), 'unavailable'],
    [named('TimeoutError'), 'unavailable'],
    [named('Error', { code: 'ECONNREFUSED' }), 'unavailable'],
  ])('%s means %s', (error, kind) => {
    expect(asFailure('DynamoDB', error)).toMatchObject({
      kind,
      message: expect.stringContaining('DynamoDB'),
    });
  });

  it.each([named('ValidationException', { $fault: 'client' }), named('TypeError'), 'text'])(
    '%s stays what it is, to be logged whole',
    error => {
      expect(asFailure('DynamoDB', error)).toBe(error);
    },
  );

  it('is unavailable when nobody answers in time', async () => {
    server.answers.push({ silent: true });
    const signer = openSigner({ ...connection, keyId: 'key', timeout: 20 });
    expect(await kindOf(signer.publicKey())).toBe('unavailable');
    expect(server.received).toHaveLength(4);
  });
});

describe('the signer', () => {
  it('sends short messages as they are and the digest of those that KMS would not take', async () => {
    server.answers.push({ body: { Signature: Buffer.from('signature').toString('base64') } });
    const signer = openSigner({ ...connection, keyId: 'key' });
    for (const size of [1, 4096, 4097]) await signer.sign(new Uint8Array(size));
    const sent = server.received.map(({ body }) => JSON.parse(body));
    expect(sent.map(({ MessageType }) => MessageType)).toEqual(['RAW', 'RAW', 'DIGEST']);
    expect(sent[2].Message).toBe(createHash('sha256').update(new Uint8Array(4097)).digest('base64'));
  });
});

describe('the bus', () => {
  it('does not take an entry for published that EventBridge refused', async () => {
    server.answers.push({
      body: { FailedEntryCount: 1, Entries: [{ ErrorCode: 'Full', ErrorMessage: 'later' }] },
    });
    const publish = openBus({ ...connection, busName: 'bus' }).publish(onboarded('1'));
    await expect(publish).rejects.toThrow('Full: later');
  });
});

describe('the bucket', () => {
  it('takes a write that met another for a conflict', async () => {
    server.answers.push({
      status: 409,
      body: '<Error><Code>ConditionalRequestConflict</Code><Message>m</Message></Error>',
    });
    const bucket = openBucket({ ...connection, bucket: 'bucket' });
    const put = bucket.put('a', new Uint8Array(1), { contentType: 'text/plain', ifMatch: '"x"' });
    expect(await put).toEqual({ outcome: 'conflict' });
    expect(server.received[0]).toMatchObject({ method: 'PUT', headers: { 'if-match': '"x"' } });
  });
});

describe('bundle access', () => {
  it('asks for a session that may read one prefix and the releases, and no more', async () => {
    server.answers.push({
      body: `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>a</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
        <SessionToken>t</SessionToken><Expiration>2026-03-01T13:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    });
    const roleArn = 'arn:aws-cn:iam::123456789012:role/reader';
    const id = nextID();
    const granted = await openBundleAccess({ ...connection, bucket: 'bucket', roleArn }).grant(
      id,
      'host/a b',
    );
    expect(granted).toEqual({
      url: `${server.url}/bucket/bundles/${id}`,
      accessKeyID: 'a',
      secretAccessKey: 's',
      sessionToken: 't',
      expiration: '2026-03-01T13:00:00.000Z',
    });
    const form = new URLSearchParams(server.received[0]?.body);
    expect(form.get('RoleSessionName')).toBe('enforcer-host-a-b');
    expect(form.get('DurationSeconds')).toBe('3600');
    expect(JSON.parse(form.get('Policy') ?? '')).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: 's3:GetObject',
          Resource: [`arn:aws-cn:s3:::bucket/bundles/${id}/*`, 'arn:aws-cn:s3:::bucket/releases/*'],
        },
      ],
    });
  });
});

describe('workflows', () => {
  it('start nothing under a name that Step Functions does not take', async () => {
    const workflows = openWorkflows({ ...connection, machines: { 'onboard-account': 'arn' } });
    for (const name of ['', 'a b', 'ä', 'x'.repeat(81)])
      expect(await kindOf(workflows.start('onboard-account', name, {}))).toBe('bad_request');
    expect(server.received).toEqual([]);
  });
});

describe('the stream', () => {
  const network = makeNetwork(NamespacePath.parse('/t'), 'n');
  const record = (pk: string, sk: string) => ({
    eventName: 'INSERT',
    dynamodb: {
      SequenceNumber: '1',
      Keys: { pk: { S: pk }, sk: { S: sk } },
      NewImage: { pk: { S: pk }, sk: { S: sk }, object: { S: JSON.stringify(network) } },
    },
  });

  it('tells of objects, and of nothing else that lies in the table', () => {
    const records = [
      record('/t', `externalnetwork#${network.ID}`),
      record('/t', 'unique#namespace#/t/a'),
      record('/t', `ref#enforcer#machineID#${network.ID}`),
      record('activity#/t', `2026-03-01T12:00:00.000Z#${network.ID}`),
      record('publication#/t', network.ID),
      record('once#/t#externalnetwork#', '-'),
    ];
    expect(changesFromStream(records)).toEqual([
      { resource: 'externalnetwork', operation: 'create', after: network },
    ]);
  });

  it('refuses what is no record of a stream', () => {
    expect(() => changesFromStream([{ eventName: 'INSERT' }])).toThrow();
  });
});
