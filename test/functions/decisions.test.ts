import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DecisionAnswer } from '../../shared/api/messages.ts';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
let admin: Caller;
let tenant: string;
let web: string;
beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
  admin = await plane.member(tenant, ['namespace.administrator']);
  await plane.namespace(tenant, 'a');
  await plane.namespace(tenant, 'b');
  const unit = await admin('POST /processingunits', `${tenant}/a`, {
    body: { name: 'web-1', type: 'Host', addresses: ['10.0.0.1'], associatedTags: ['app=web'] },
  });
  web = unit.object.ID;
  const network = {
    name: 'internet',
    entries: ['0.0.0.0/0', '!10.0.0.0/8'],
    associatedTags: ['net=internet'],
    propagate: true,
  };
  await admin('POST /externalnetworks', tenant, { body: network });
  await admin('POST /networkrulesetpolicies', tenant, {
    body: {
      name: 'web',
      subject: [['app=web']],
      propagate: true,
      incomingRules: [{ object: [['net=internet']], protocolPorts: ['tcp/443'] }],
      outgoingRules: [
        { object: [['app=db']], protocolPorts: ['tcp/5432'] },
        { action: 'Reject', object: [['app=db']], protocolPorts: ['tcp/22'], observationEnabled: true },
      ],
    },
  });
});
afterAll(() => plane.stop());

const ask = async (source: object, destination: object, protocolPort: string, namespace = tenant) => {
  const answer = await admin('POST /decisions', namespace, { body: { source, destination, protocolPort } });
  expect(answer.status, answer.text).toBe(200);
  return DecisionAnswer.parse(JSON.parse(answer.text));
};
const unit = () => ({ processingUnit: web, namespace: `${tenant}/a` });
const db = () => ({ tags: ['app=db'], namespace: `${tenant}/b` });

describe('a decision', () => {
  it('names the rule, the ruleset, its namespace and the external network', async () => {
    const { verdict, sides } = await ask({ address: '198.51.100.1' }, unit(), 'tcp/443');
    expect(verdict).toBe('allow');
    expect(sides).toMatchObject([
      {
        side: 'destination',
        namespace: `${tenant}/a`,
        by: {
          rule: { name: 'web', namespace: tenant, propagated: true, direction: 'incoming', index: 0 },
          via: { kind: 'external network', name: 'internet', entry: '0.0.0.0/0' },
        },
      },
    ]);
  });

  it('goes by every name of an address together, where a fallback ruleset decides too', async () => {
    const at = await plane.namespace(tenant, 'names');
    for (const name of ['x', 'y'])
      await admin('POST /externalnetworks', at, {
        body: { name, entries: [`${name}.example.com`], associatedTags: [`net=${name}`] },
      });
    const rule = (action: string, name: string) => ({ action, object: [[`net=${name}`]] });
    await admin('POST /networkrulesetpolicies', at, {
      body: {
        name: 'base',
        fallback: true,
        subject: [['app=one']],
        outgoingRules: [rule('Allow', 'x'), rule('Reject', 'y')],
      },
    });
    const reasonFor = async (address: string, more: object) => {
      const { verdict, sides } = await ask(
        { tags: ['app=one'], namespace: at },
        { address, ...more },
        'tcp/443',
      );
      return [verdict, sides[0] && 'rule' in sides[0].by ? sides[0].by.rule.index : 'default'];
    };
    const to = '10.9.9.9';
    expect(await reasonFor(to, {})).toEqual(['reject', 'default']);
    expect(await reasonFor(to, { names: ['x.example.com'] })).toEqual(['allow', 0]);
    expect(await reasonFor(to, { name: 'x.example.com', names: ['y.example.com'] })).toEqual(['reject', 1]);
    expect(await reasonFor(to, { names: ['y.example.com', 'x.example.com'] })).toEqual(['reject', 1]);
  });

  it('asks both ends, and says which default rejected and where it was set', async () => {
    const { verdict, sides } = await ask(unit(), db(), 'tcp/5432');
    expect(verdict).toBe('reject');
    expect(sides.map(side => [side.side, side.verdict])).toEqual([
      ['source', 'allow'],
      ['destination', 'reject'],
    ]);
    expect(sides[1]?.by).toEqual({ default: { action: 'Reject', namespace: '/' } });
  });

  it('shows what an observed rule would have decided', async () => {
    const { sides } = await ask(unit(), db(), 'tcp/22');
    expect(sides[0]).toMatchObject({
      verdict: 'reject',
      observed: { verdict: 'reject', by: { rule: { index: 1 } } },
    });
  });

  it('knows the processing unit behind an address, as an enforcer does', async () => {
    await admin('POST /processingunits', `${tenant}/b`, {
      body: { name: 'db-1', type: 'Host', addresses: ['10.0.0.2'], associatedTags: ['app=db'] },
    });
    const { sides } = await ask(unit(), { address: '10.0.0.2' }, 'tcp/5432');
    expect(sides[0]).toMatchObject({
      side: 'source',
      verdict: 'allow',
      by: { via: { kind: 'processing unit' } },
    });
  });

  it('has the unit behind an address decide, as if it were named', async () => {
    const { object } = await admin('POST /processingunits', `${tenant}/b`, {
      body: { name: 'db-2', type: 'Host', addresses: ['10.0.0.22'], associatedTags: ['app=silent'] },
    });
    const named = { processingUnit: object.ID, namespace: `${tenant}/b` };
    for (const port of ['tcp/5432', 'tcp/22']) {
      const byID = await ask(unit(), named, port);
      const byAddress = await ask(unit(), { address: '10.0.0.22' }, port);
      expect(byAddress).toEqual(byID);
      expect(byAddress.sides.map(({ side }: { side: string }) => side)).toEqual(['source', 'destination']);
    }
  });

  it('knows it by any text of the address', async () => {
    await admin('POST /processingunits', `${tenant}/b`, {
      body: { name: 'db-6', type: 'Host', addresses: ['2001:DB8:0::0006'], associatedTags: ['app=db'] },
    });
    const answers = await Promise.all(
      ['2001:db8::6', '2001:0db8:0000::6'].map(address => ask(unit(), { address }, 'tcp/5432')),
    );
    expect(answers.map(({ sides }) => sides.length)).toEqual([2, 2]);
  });

  it('asks a DNS name of external networks that hold it, and of nobody else', async () => {
    await admin('POST /externalnetworks', `${tenant}/a`, {
      body: { name: 'repository', entries: ['packages.example.com'], associatedTags: ['net=packages'] },
    });
    await admin('POST /networkrulesetpolicies', `${tenant}/a`, {
      body: {
        name: 'packages',
        subject: [['app=web']],
        outgoingRules: [{ object: [['net=packages']], protocolPorts: ['tcp/443'] }],
      },
    });
    const held = await ask(unit(), { name: 'packages.example.com' }, 'tcp/443');
    expect(held.sides).toMatchObject([
      {
        side: 'source',
        verdict: 'allow',
        by: { via: { name: 'repository', entry: 'packages.example.com' } },
      },
    ]);
    const other = await ask(unit(), { name: 'example.com' }, 'tcp/443');
    expect(other.sides.map(({ verdict }) => verdict)).toEqual(['reject']);
  });

  it('says which tags count for nothing, where that was set and what makes them count', async () => {
    const strict = await plane.namespace(tenant, 'strict');
    const own = await plane.deps.store.getByName('namespace', tenant as never, strict);
    await admin(`PATCH /namespaces/${own?.ID}`, tenant, { body: { tagPrefixEnforcement: 'Enforce' } });
    const below = await plane.namespace(strict, 'below');
    const { sides } = await ask({ tags: ['team=x', 'weird=y'], namespace: below }, db(), 'tcp/22');
    expect(sides[0]?.ignoredTags).toEqual(
      ['team=x', 'weird=y'].map(tag => ({
        tag,
        namespace: strict,
        prefix: `${tag.split('=')[0]}=`,
        reason: `no tag prefix of ${below} lists it, and ${strict} has them enforced`,
      })),
    );
  });

  it('refuses an address whose unit decides where the caller cannot see', async () => {
    const answer = await admin('POST /decisions', `${tenant}/a`, {
      body: { source: unit(), destination: { address: '10.0.0.2' }, protocolPort: 'tcp/5432' },
    });
    expect([answer.status, answer.errors[0]?.description]).toEqual([
      403,
      `10.0.0.2 is a processing unit in ${tenant}/b, which is not in the namespace of the request; ask in a namespace above both ends`,
    ]);
  });

  it('gives tags what every unit carries', async () => {
    await admin('POST /networkrulesetpolicies', `${tenant}/a`, {
      body: {
        name: 'all of the namespace',
        subject: [['$identity=processingunit', `$namespace=${tenant}/a`]],
        outgoingRules: [{ object: [['$identity=processingunit']], protocolPorts: ['tcp/9999'] }],
      },
    });
    const { sides } = await ask({ tags: ['app=x'], namespace: `${tenant}/a` }, db(), 'tcp/9999');
    expect(sides[0]).toMatchObject({ side: 'source', verdict: 'allow' });
  });

  it.each([
    ['tcp/80:90', 'one port'],
    ['any', 'one protocol'],
    ['icmp', 'one ICMP type'],
    ['nonsense', 'protocol'],
  ])('refuses %s for traffic', async (protocolPort, why) => {
    const answer = await admin('POST /decisions', tenant, {
      body: { source: unit(), destination: db(), protocolPort },
    });
    expect(answer.status).toBe(422);
    expect(answer.errors[0]?.data).toMatchObject({ attribute: 'protocolPort' });
    expect(answer.errors[0]?.description).toContain(why);
  });

  it('is about processing units, inside the namespace where the caller asks', async () => {
    const nobody = {
      source: { address: '1.2.3.4' },
      destination: { address: '1.2.3.5' },
      protocolPort: 'tcp/1',
    };
    expect((await admin('POST /decisions', tenant, { body: nobody })).status).toBe(422);
    const outside = { source: unit(), destination: db(), protocolPort: 'tcp/1' };
    expect((await admin('POST /decisions', `${tenant}/a`, { body: outside })).status).toBe(403);
    const viewer = await plane.member(tenant, ['namespace.viewer']);
    expect((await viewer('POST /decisions', tenant, { body: outside })).status).toBe(200);
  });
});
