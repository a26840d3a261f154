import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identities, resourceOf } from '../../shared/schema/resources.ts';
import { openPlane, type Plane } from '../make/plane.ts';
import { minimal } from './inputs.ts';

let plane: Plane;
beforeAll(async () => {
  plane = await openPlane();
});
afterAll(() => plane.stop());

const keyed = (body: unknown, key = 'the-key') => ({ body, headers: { 'idempotency-key': key } });
const network = (name: string) => ({ name, entries: ['10.0.0.0/8'] });
const count = async (plural: string, tenant: string) =>
  Number((await plane.root(`HEAD /${plural}`, tenant)).headers['x-count-total']);

describe.each(identities)('a create of a %s with a key', identity => {
  const { plural, secrets = [] } = resourceOf(identity);

  it('is answered the same the second time, and done once', async () => {
    const tenant = await plane.tenant();
    const sent = keyed(minimal(tenant)[identity]);
    const before = await count(plural, tenant);
    const first = await plane.root(`POST /${plural}`, tenant, sent);
    const second = await plane.root(`POST /${plural}`, tenant, sent);
    expect([first.status, second.status]).toEqual([200, 200]);
    const open = Object.entries(first.object).filter(([name]) => !secrets.includes(name));
    expect(second.object).toEqual(Object.fromEntries(open));
    const messages = first.headers['x-messages'];
    if (secrets.length === 0) expect(second.headers['x-messages']).toBe(messages);
    else expect(second.headers['x-messages']).toContain('came with the first answer only');
    expect(await count(plural, tenant)).toBe(before + 1);
  });
});

describe('a key', () => {
  it('with another body, operation, query, namespace or caller is refused with 409', async () => {
    const tenant = await plane.tenant();
    const child = await plane.namespace(tenant, 'child');
    const other = await plane.member(tenant, ['namespace.administrator']);
    await plane.root('POST /externalnetworks', tenant, keyed(network('one')));
    const refused = [
      await plane.root('POST /externalnetworks', tenant, keyed(network('two'))),
      await plane.root('POST /externalnetworks', tenant, keyed({ name: 'one' })),
      await plane.root('POST /enforcerprofiles', tenant, keyed({ name: 'one' })),
      await plane.root('POST /externalnetworks?override', tenant, keyed(network('one'))),
      await plane.root('POST /externalnetworks', child, keyed(network('one'))),
      await other('POST /externalnetworks', tenant, keyed(network('one'))),
    ];
    for (const { status, errors } of refused)
      expect([status, errors[0]?.description]).toEqual([409, expect.stringContaining('use a new key')]);
    expect(await count('externalnetworks', `${tenant}`)).toBe(1);
    expect((await plane.root('POST /externalnetworks', tenant, keyed(network('one')))).status).toBe(200);
  });

  it('means nothing in another tenant', async () => {
    const [one, two] = [await plane.tenant(), await plane.tenant()];
    const sent = keyed(network('n'));
    const first = await plane.root('POST /externalnetworks', one, sent);
    const elsewhere = await plane.root('POST /externalnetworks', two, sent);
    expect(elsewhere.object.ID).not.toBe(first.object.ID);
  });

  it('of a refused request stays free', async () => {
    const tenant = await plane.tenant();
    expect((await plane.root('POST /externalnetworks', tenant, keyed({ name: 'n' }))).status).toBe(422);
    expect((await plane.root('POST /externalnetworks', tenant, keyed(network('n')))).status).toBe(200);
  });

  it('of a dry run stays free', async () => {
    const tenant = await plane.tenant();
    await plane.root('POST /externalnetworks?dryRun=true', tenant, keyed(network('n')));
    expect(await count('externalnetworks', tenant)).toBe(0);
    expect((await plane.root('POST /externalnetworks', tenant, keyed(network('m')))).status).toBe(200);
  });

  it('gives no answer to who may not ask again', async () => {
    const tenant = await plane.tenant();
    const admin = await plane.credential(tenant, ['namespace.administrator'], { name: 'admin' });
    const send = await plane.as(admin);
    await send('POST /externalnetworks', tenant, keyed(network('n')));
    await plane.root(`PATCH /appcredentials/${admin.ID}`, tenant, {
      body: { roles: ['@auth:role=namespace.viewer'] },
    });
    expect((await send('POST /externalnetworks', tenant, keyed(network('n')))).status).toBe(403);
  });

  it('must be printable', async () => {
    const tenant = await plane.tenant();
    for (const key of ['', 'a b', 'ä', 'x'.repeat(256)]) {
      const { status } = await plane.root('POST /externalnetworks', tenant, keyed(network('n'), key));
      expect([key, status]).toEqual([key, 400]);
    }
    expect(await count('externalnetworks', tenant)).toBe(0);
  });

  it('of twenty equal requests at once lets one through, and answers all of them alike', async () => {
    const tenant = await plane.tenant();
    for (const [plural, body] of [
      ['externalnetworks', network('n')],
      ['namespaces', { name: 'n' }],
    ] as const) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => plane.root(`POST /${plural}`, tenant, keyed(body, plural))),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(new Set(answers.map(({ object }) => object.ID)).size).toBe(1);
      expect(await count(plural, tenant)).toBe(1);
    }
  });

  it('of twenty unequal requests at once lets one through, and refuses the others', async () => {
    const tenant = await plane.tenant();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        plane.root('POST /externalnetworks', tenant, keyed(network(`n${at}`))),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(409)]);
    expect(await count('externalnetworks', tenant)).toBe(1);
  });

  it('from the root adds a cloud account once', async () => {
    const sent = keyed({ name: 'a', accountID: '123456789012', provider: 'aws', prismaID: 'keyed' });
    const first = await plane.root('POST /cloudaccounts', '/', sent);
    const second = await plane.root('POST /cloudaccounts', '/', sent);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.object).toEqual(first.object);
  });

  it('of an import gives the first report again', async () => {
    const tenant = await plane.tenant();
    const data = { APIVersion: 1, data: { externalnetworks: [network('a'), network('b')] } };
    const first = await plane.root('POST /import', tenant, keyed({ data }));
    const second = await plane.root('POST /import', tenant, keyed({ data }));
    expect(JSON.parse(second.text)).toEqual(JSON.parse(first.text));
    expect(JSON.parse(second.text)).toMatchObject({ created: 2 });
    expect(await count('externalnetworks', tenant)).toBe(2);
  });
});
