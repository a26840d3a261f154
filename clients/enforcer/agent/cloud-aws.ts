import { z } from 'zod';
import { type SigningCredentials, signV4 } from '../../../shared/core/sigv4.ts';
import { Ec2Instance } from '../../../shared/schema/instance.ts';
import type { Proof, ProofRequest } from './cloud.ts';
import { type Ask, tagsOf } from './metadata.ts';

/** What is signed: STS answers it with who signed. */
const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';
const ROLE = '/latest/meta-data/iam/security-credentials/';
const INSTANCE_TAGS = '/latest/meta-data/tags/instance/';

const Document = z.object({
  accountId: z.string().default(''),
  availabilityZone: z.string().default(''),
  imageId: z.string().default(''),
  instanceId: z.string().default(''),
  instanceType: z.string().default(''),
  region: z.string().min(1),
});

const Credentials = z.object({
  AccessKeyId: z.string(),
  SecretAccessKey: z.string(),
  Token: z.string(),
});

/** Version 2 of the service: every question carries a token, which a forwarded request can't get. */
async function session(ask: Ask): Promise<(path: string) => Promise<string>> {
  const token = await ask('/latest/api/token', { 'x-aws-ec2-metadata-token-ttl-seconds': '60' }, 'PUT');
  return path => ask(path, { 'x-aws-ec2-metadata-token': token });
}

const documentOf = async (get: (path: string) => Promise<string>) =>
  Document.parse(JSON.parse(await get('/latest/dynamic/instance-identity/document')));

/** Undefined where the document lacks what names an instance. */
export async function awsInstance(ask: Ask): Promise<Ec2Instance | undefined> {
  const { accountId, instanceId, region } = await documentOf(await session(ask));
  return Ec2Instance.safeParse({ account: accountId, region, id: instanceId }).data;
}

/** `cloud:aws:…`, with the instance's own tags under `tag:` where it may read them. */
export async function awsTags(ask: Ask): Promise<string[]> {
  const get = await session(ask);
  const { accountId, availabilityZone, imageId, instanceId, instanceType, region } = await documentOf(get);
  const names = await get(INSTANCE_TAGS).then(
    text => text.split('\n').filter(Boolean),
    () => [],
  );
  const own = await Promise.all(
    names.map(async (name): Promise<[string, string]> => [name, await get(`${INSTANCE_TAGS}${name}`)]),
  );
  return [
    ...tagsOf('cloud:aws:', {
      account: accountId,
      zone: availabilityZone,
      image: imageId,
      'instance-id': instanceId,
      'instance-type': instanceType,
      region,
    }),
    ...tagsOf('cloud:aws:tag:', Object.fromEntries(own)),
  ];
}

/** Where STS is, in a region. */
const stsOf = (region: string): URL =>
  new URL(`https://sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/`);

/**
 * A GetCallerIdentity signed with these credentials, for the control plane to send on: good for one token, and the
 * credentials themselves stay here.
 */
export function signedIdentity(
  credentials: SigningCredentials,
  region: string,
  { api, now, randomBytes }: ProofRequest,
): Proof {
  const url = stsOf(region);
  const nonce = Buffer.from(randomBytes(16)).toString('hex');
  const headers = signV4(
    {
      method: 'POST',
      url,
      headers: { 'x-microseg-nonce': nonce, 'x-microseg-server-id': api },
      body: BODY,
    },
    credentials,
    { service: 'sts', region, now },
  );
  return { realm: 'AWSSecurityToken', metadata: { url: url.href, headers } };
}

/** The same with the credentials of the instance's role. */
export async function awsIdentity(ask: Ask, request: ProofRequest): Promise<Proof> {
  const get = await session(ask);
  const [role = ''] = (await get(ROLE)).split('\n');
  const { AccessKeyId, SecretAccessKey, Token } = Credentials.parse(
    JSON.parse(await get(`${ROLE}${role.trim()}`)),
  );
  const { region } = await documentOf(get);
  const credentials = { accessKeyID: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token };
  return signedIdentity(credentials, region, request);
}
