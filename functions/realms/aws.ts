import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { z } from 'zod';
import type { IssueRequest } from '../../shared/api/messages.ts';
import { fail } from '../../shared/schema/failure.ts';
import { ROOT } from '../../shared/schema/ids.ts';
import type { Deps } from '../deps.ts';
import { type Proven, present } from './proven.ts';
import { BODY, LIFE, readSignedRequest } from './signed-request.ts';

type Metadata = Extract<IssueRequest, { realm: 'AWSSecurityToken' }>['metadata'];

const LIMITS = { bytes: 64 * 1024, milliseconds: 5000 };
const TYPE = 'application/x-www-form-urlencoded; charset=utf-8';
/** Where credentials that were given to us are shown to. */
const OWN = { region: 'us-east-1', host: 'sts.us-east-1.amazonaws.com' };

const refused = () =>
  fail(
    'unauthorized',
    'the AWS identity was refused; sign GetCallerIdentity for one of STS’s regional hosts, with x-microseg-server-id (this API’s URL) and a new x-microseg-nonce among the signed headers, and send it within 5 minutes',
  );

/** What STS says of whoever signed. The answer is XML; none of these values needs an escape in it. */
const Identity = z.object({
  Account: z.string().regex(/^\d{12}$/),
  Arn: z.string().regex(/^arn:[a-z-]+:(iam|sts)::\d{12}:[\w+=,.@/-]+$/),
  UserId: z.string().regex(/^[\w:+=,.@-]+$/),
});
type Identity = z.infer<typeof Identity>;

function read(answer: string): Identity | undefined {
  const [, result = ''] = /<GetCallerIdentityResult>(.*)<\/GetCallerIdentityResult>/s.exec(answer) ?? [];
  const once = (name: string): string | undefined => {
    const found = [...result.matchAll(new RegExp(`<${name}>([^<>&]*)</${name}>`, 'g'))];
    return found.length === 1 ? found[0]?.[1] : undefined;
  };
  return Identity.safeParse({ Account: once('Account'), Arn: once('Arn'), UserId: once('UserId') }).data;
}

async function ask(url: URL, headers: Readonly<Record<string, string>>, deps: Deps): Promise<Identity> {
  const { status, body } = await deps.web.send(
    { method: 'POST', url, body: BODY, headers: { 'content-type': TYPE, ...headers, accept: 'text/xml' } },
    LIMITS,
  );
  if (status >= 500 || status === 429) {
    throw fail('unavailable', `STS answered with status ${status}; try again in a moment`);
  }
  const identity = status === 200 ? read(body) : undefined;
  if (identity && identity.Arn.split(':')[4] === identity.Account) return identity;
  deps.log.info('AWS identity refused', { reason: `STS answered with status ${status}` });
  throw refused();
}

/** The request is good for one token, whatever STS thinks of it meanwhile. */
async function sendOn(url: string, headers: Record<string, string>, deps: Deps): Promise<Identity> {
  const request = readSignedRequest(url, headers, { apiURL: deps.apiURL, now: deps.clock.now() });
  if (typeof request === 'string') {
    deps.log.info('AWS identity refused', { reason: request });
    throw refused();
  }
  const identity = await ask(request.url, request.headers, deps);
  if (!(await deps.store.once(ROOT, `sts#${request.signature}`, 2 * LIFE))) throw refused();
  return identity;
}

/** Credentials that were given to us, as the original took them: they are used for this one question and forgotten. */
async function askWith(
  accessKeyId: string,
  secretAccessKey: string,
  sessionToken: string | undefined,
  deps: Deps,
): Promise<Identity> {
  const signer = new SignatureV4({
    service: 'sts',
    region: OWN.region,
    sha256: Sha256,
    credentials: {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined || sessionToken === '' ? {} : { sessionToken }),
    },
  });
  const { headers } = await signer.sign(
    {
      method: 'POST',
      protocol: 'https:',
      hostname: OWN.host,
      path: '/',
      headers: { host: OWN.host, 'content-type': TYPE },
      body: BODY,
    },
    { signingDate: deps.clock.now() },
  );
  const { host: _, ...signed } = headers;
  return ask(new URL(`https://${OWN.host}/`), signed, deps);
}

/** `assumed-role/<role>/<session>`, `user/<path>/<name>` and so on, by its parts. */
function partsOf(arn: string): Record<string, string> {
  const resource = arn.split(':').slice(5).join(':');
  const [kind, ...names] = resource.split('/');
  if (kind === 'assumed-role') return present({ rolename: names[0], rolesessionname: names[1] });
  if (kind === 'user' || kind === 'federated-user') return present({ username: names.at(-1) });
  return {};
}

/** Whoever signed a GetCallerIdentity, as STS says. */
export async function proveAws(metadata: Metadata, deps: Deps): Promise<Proven> {
  const { url, headers, accessKeyID, secretAccessKey, token } = metadata;
  const identity =
    url !== undefined && headers !== undefined
      ? await sendOn(url, headers, deps)
      : accessKeyID !== undefined && secretAccessKey !== undefined
        ? await askWith(accessKeyID, secretAccessKey, token, deps)
        : undefined;
  if (!identity) {
    throw fail(
      'invalid',
      "Attribute 'metadata' needs url and headers of a signed GetCallerIdentity, or accessKeyID, secretAccessKey and token",
      { attribute: 'metadata' },
    );
  }
  const { Account: account, Arn: arn, UserId: userid } = identity;
  return {
    principal: { realm: 'awssecuritytoken', sub: arn },
    // `organization` is the original's other name of the account.
    data: present({
      account,
      organization: account,
      arn,
      userid,
      partition: arn.split(':')[1],
      ...partsOf(arn),
    }),
  };
}
