import { decodeJwt, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { proveGoogle } from '../../functions/realms/google.ts';
import { API_URL } from '../make/plane.ts';
import { makeKey, type SigningKey, signed } from './issuer.ts';
import { openWorld, type World } from './world.ts';

const TENANT = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';
const OTHER = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const V1 = `https://sts.windows.net/${TENANT}/`;
const V2 = `https://login.microsoftonline.com/${TENANT}/v2.0`;
const MACHINE =
  '/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourcegroups/web/providers/Microsoft.Compute/virtualMachines/vm-1';

let world: World;
let key: SigningKey;
let old: SigningKey;
let console: string;

beforeAll(async () => {
  [key, old] = await Promise.all([makeKey('k1', 'RS256'), makeKey('k1', 'ES256')]);
  world = await openWorld(issuers => {
    console = issuers.issuer('/console', [key.jwk]);
    issuers.pages.set('/google/oauth2/v3/certs', { keys: [key.jwk, old.jwk] });
    const microsoft = { ...key.jwk, issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0' };
    issuers.pages.set('/microsoft/common/discovery/keys', {
      keys: [{ ...key.jwk, issuer: 'https://sts.windows.net/{tenantid}/' }],
    });
    issuers.pages.set('/microsoft/common/discovery/v2.0/keys', {
      keys: [microsoft, { ...key.jwk, kid: 'one', issuer: V2.replace(TENANT, OTHER) }],
    });
    return {
      routes: {
        'https://www.googleapis.com': `${issuers.origin}/google`,
        'https://login.microsoftonline.com': `${issuers.origin}/microsoft`,
      },
      settings: { pcIssuer: console, pcAudience: 'console', azureAudience: 'api://microseg' },
    };
  });
});
afterAll(() => world.stop());

const times = () => ({ iat: world.now(), exp: world.now() + 600 });
const google = (changed: JWTPayload = {}): JWTPayload => ({
  iss: 'https://accounts.google.com',
  aud: API_URL,
  azp: '1077',
  sub: '1077',
  email: 'vm@project-1.iam.gserviceaccount.com',
  email_verified: true,
  google: { compute_engine: { project_id: 'project-1', project_number: 12, instance_name: 'vm' } },
  ...times(),
  ...changed,
});
const azure = (changed: JWTPayload = {}): JWTPayload => ({
  iss: V2,
  aud: 'api://microseg',
  sub: 'oid-1',
  oid: 'oid-1',
  tid: TENANT,
  azp: 'app-1',
  xms_mirid: MACHINE,
  ...times(),
  ...changed,
});
const prisma = (changed: JWTPayload = {}): JWTPayload => ({
  iss: console,
  aud: 'console',
  sub: 'ann@example.com',
  prismaId: '826920578209172635',
  userRoleTypeName: 'NetSecOps',
  ...times(),
  ...changed,
});

const trade = (realm: string, token: string, more: object = {}) =>
  world.issue({ realm, metadata: { token }, ...more });

describe('an identity of', () => {
  it('a Google service account is its instance and project', async () => {
    const answered = await trade('GCPIdentityToken', await signed(key, google()));
    expect(answered.status, answered.text).toBe(200);
    expect(decodeJwt(world.token(answered))).toMatchObject({
      realm: 'gcpidentitytoken',
      sub: '1077',
      data: {
        email: 'vm@project-1.iam.gserviceaccount.com',
        projectid: 'project-1',
        projectnumber: '12',
        instancename: 'vm',
      },
    });
  });

  it('a Google service account is taken for another audience where that is set up, and then for no other', async () => {
    const issuers = { ...world.plane.deps.issuers, gcpAudience: 'aporeto' };
    const deps = { ...world.plane.deps, issuers };
    const theirs = await signed(key, google({ aud: 'aporeto' }));
    expect((await proveGoogle(theirs, deps)).principal.sub).toBe('1077');
    await expect(proveGoogle(await signed(key, google()), deps)).rejects.toThrow('refused');
    expect((await trade('GCPIdentityToken', theirs)).status).toBe(401);
  });

  it.each([
    ['version 1', V1],
    ['version 2', V2],
  ])('an Azure machine, in tokens of %s, is its tenant and subscription', async (_, iss) => {
    const answered = await trade('AzureIdentityToken', await signed(key, azure({ iss })));
    expect(answered.status, answered.text).toBe(200);
    expect(decodeJwt(world.token(answered))).toMatchObject({
      realm: 'azureidentitytoken',
      data: {
        tenantid: TENANT,
        appid: 'app-1',
        subscriptions: '0b1f6471-1bf0-4dda-aec3-cb9272f09590',
        resourcegroups: 'web',
        resourcename: 'vm-1',
      },
    });
  });

  it('a console user is its permission group, and lasts no longer than its original', async () => {
    const answered = await trade('PCIdentityToken', await signed(key, prisma()), { validity: '2h' });
    expect(JSON.parse(answered.text).validity).toBe('600s');
    const tenant = await world.plane.tenant();
    await world.plane.root('POST /apiauthorizationpolicies', tenant, {
      body: {
        name: 'NetSecOps',
        subject: [
          [
            '@auth:realm=pcidentitytoken',
            '@auth:prismaid=826920578209172635',
            '@auth:userroletypename=NetSecOps',
          ],
        ],
        authorizedIdentities: ['@auth:role=netsecops'],
        authorizedNamespace: tenant,
      },
    });
    const caller = world.plane.caller(world.token(answered));
    expect((await caller('GET /networkrulesetpolicies', tenant)).status).toBe(200);
    expect((await caller('GET /appcredentials', tenant)).status).toBe(403);
    const { text } = await caller('POST /externalnetworks', tenant, {
      body: { name: 'office', entries: ['192.0.2.0/24'] },
    });
    expect(text).toContain('office');
  });

  it('a cloud has no credential that could be revoked: taking the authorization away is enough', async () => {
    const tenant = await world.plane.tenant();
    const { object } = await world.plane.root('POST /apiauthorizationpolicies', tenant, {
      body: {
        name: 'machines',
        subject: [['@auth:realm=gcpidentitytoken', '@auth:projectid=project-1']],
        authorizedIdentities: ['@auth:role=enforcer'],
        authorizedNamespace: tenant,
      },
    });
    const caller = world.plane.caller(
      world.token(await trade('GCPIdentityToken', await signed(key, google()))),
    );
    expect((await caller('GET /enforcers', tenant)).status).toBe(200);
    await world.plane.root(`DELETE /apiauthorizationpolicies/${object.ID}`, tenant);
    expect((await caller('GET /enforcers', tenant)).status).toBe(403);
  });
});

describe('is refused with 401:', () => {
  const attacks: Record<string, [realm: string, token: () => Promise<string>]> = {
    'a Google token for another audience': [
      'GCPIdentityToken',
      () => signed(key, google({ aud: 'https://a.b' })),
    ],
    'a Google token of another issuer': [
      'GCPIdentityToken',
      () => signed(key, google({ iss: 'accounts.google.com' })),
    ],
    'a Google token signed with ES256': ['GCPIdentityToken', () => signed(old, google())],
    'a Google token that has expired': [
      'GCPIdentityToken',
      () => signed(key, google({ exp: world.now() - 60 })),
    ],
    'an Azure token presented as a Google one': ['GCPIdentityToken', () => signed(key, azure())],
    'a Google token presented as an Azure one': ['AzureIdentityToken', () => signed(key, google())],
    'an Azure token whose tenant is not its issuer’s': [
      'AzureIdentityToken',
      () => signed(key, azure({ tid: OTHER })),
    ],
    'an Azure token whose tenant is no GUID': [
      'AzureIdentityToken',
      () => signed(key, azure({ tid: 'x/../common', iss: 'https://sts.windows.net/x/../common/' })),
    ],
    'an Azure token for another audience': [
      'AzureIdentityToken',
      () => signed(key, azure({ aud: 'https://management.azure.com/' })),
    ],
    'an Azure token signed with the key of one other tenant': [
      'AzureIdentityToken',
      () => signed({ ...key, kid: 'one' }, azure()),
    ],
    'an Azure token of another host': [
      'AzureIdentityToken',
      () => signed(key, azure({ iss: `https://login.microsoftonline.com.evil.test/${TENANT}/v2.0` })),
    ],
    'a console token for another audience': ['PCIdentityToken', () => signed(key, prisma({ aud: 'x' }))],
    'a console token that ended within the skew': [
      'PCIdentityToken',
      () => signed(key, prisma({ exp: world.now() - 1 })),
    ],
  };
  it.each(Object.keys(attacks))('%s', async title => {
    const [realm = '', token] = attacks[title] ?? [];
    const refused = await trade(realm, (await token?.()) ?? '');
    expect(refused.status, refused.text).toBe(401);
    expect(world.plane.errors).toEqual([]);
  });

  it('nothing but 422 where no issuer of console users is set up', async () => {
    const bare = await openWorld();
    const refused = await bare.issue({ realm: 'PCIdentityToken', metadata: { token: 'x.y.z' } });
    expect([refused.status, refused.errors[0]?.data?.attribute]).toEqual([422, 'realm']);
    await bare.stop();
  });
});
