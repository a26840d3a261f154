import type { Authn, AuthnRequest } from '../../shared/api/access-messages.ts';
import type { Issue, IssueRequest } from '../../shared/api/messages.ts';
import { operations, routes } from '../../shared/api/routes.ts';
import { goSeconds } from '../../shared/core/duration.ts';
import { shrink } from '../../shared/core/restrictions.ts';
import { fail } from '../../shared/schema/failure.ts';
import { Tag } from '../../shared/schema/tag.ts';
import type { Restrictions } from '../../shared/schema/token.ts';
import type { Call, Handler } from '../call.ts';
import type { Deps } from '../deps.ts';
import { COOKIE, claimTags, LONGEST, verifyToken } from '../pipeline/authenticate.ts';
import { prove } from '../realms/index.ts';
import type { Proven } from '../realms/proven.ts';
import { keySetOf, signToken } from '../token-keys.ts';
import { VERSION } from '../version.ts';

/** Longest life of a token, in seconds. */
const LONGEST_LIFE = 24 * 3600;
/** Longest cookie that browsers keep (RFC 6265, 6.1), without its attributes. */
const LONGEST_COOKIE = 3800;

/** The shortest of what was asked, what the proof allows and what the server allows; at least a second. */
const secondsOf = (validity: string, longest: number | undefined): number =>
  Math.max(
    1,
    Math.floor(Math.min(...[goSeconds(validity), longest ?? 0, LONGEST_LIFE].filter(value => value > 0))),
  );

/** An empty part restricts nothing, as in the original. */
const restrictionsOf = (asked: IssueRequest): Restrictions => ({
  ...(asked.restrictedNamespace === '' ? {} : { namespace: asked.restrictedNamespace }),
  ...(asked.restrictedPermissions.length === 0 ? {} : { perms: asked.restrictedPermissions }),
  ...(asked.restrictedNetworks.length === 0 ? {} : { networks: asked.restrictedNetworks }),
});

interface Quota {
  /** Where the shared counter stops. */
  quota: number;
  quotaid: string;
}

/**
 * A token that is traded for another goes on with its counter, which stops where the original's would: `asked` uses
 * from now, and never more than are left.
 */
function quotaOf(asked: number, { original, uses = 0 }: Proven, id: string): Quota | undefined {
  const { quota, quotaid } = original ?? {};
  if (quota !== undefined && quotaid !== undefined) {
    return { quota: asked === 0 ? quota : Math.min(quota, uses + asked), quotaid };
  }
  return asked === 0 ? undefined : { quota: asked, quotaid: id };
}

function claimsOf(asked: IssueRequest, proven: Proven, { clock, apiURL }: Deps) {
  const { principal, data, longest, original } = proven;
  const iat = Math.floor(clock.now().getTime() / 1000);
  const jti = Buffer.from(clock.randomBytes(16)).toString('hex');
  const restrictions = shrink(original?.restrictions ?? {}, restrictionsOf(asked));
  const opaque = { ...asked.opaque, ...original?.opaque };
  return {
    iss: apiURL,
    aud: asked.audience || apiURL,
    ...principal,
    iat,
    exp: iat + secondsOf(asked.validity, longest),
    jti,
    data,
    ...(Object.keys(restrictions).length === 0 ? {} : { restrictions }),
    ...quotaOf(asked.quota, proven, jti),
    ...(Object.keys(opaque).length === 0 ? {} : { opaque }),
  };
}

/** True for `?asCookie`, `?asCookie=true` and the like. */
const wantsCookie = ({ query }: Call): boolean =>
  query.ascookie !== undefined && !query.ascookie.some(value => /^(false|0|no)$/i.test(value));

const issueToken: Handler = async (call, deps) => {
  const asked = call.body as IssueRequest;
  const proven = await prove(asked, call.caller, deps);
  const claims = claimsOf(asked, proven, deps);
  const token = await signToken(claims, deps.tokenKeys);
  const asCookie = wantsCookie(call);
  const most = asCookie ? LONGEST_COOKIE : LONGEST;
  if (token.length > most) {
    throw fail(
      'too_large',
      `the token would have ${token.length} characters; ${most} are possible, so ask for less in opaque and the restrictions, or have the provider take fewer claims`,
    );
  }
  const life = claims.exp - claims.iat;
  const body: Issue = {
    realm: asked.realm,
    validity: `${life}s`,
    ...(claims.quota === undefined ? {} : { quota: claims.quota - (proven.uses ?? 0) }),
    claims,
    ...(asCookie || call.dryRun ? {} : { token }),
  };
  const cookie = `${COOKIE}=${token}; Max-Age=${life}; Path=/; Secure; HttpOnly; SameSite=Strict`;
  return asCookie && !call.dryRun ? { body, cookies: [cookie] } : { body };
};

const getJwks: Handler = async (_call, { tokenKeys }) => ({ body: { keys: await keySetOf(tokenKeys).keys } });

const getMetaConfig: Handler = async (_call, { apiURL, eventsURL }) => ({
  body: { api: apiURL, events: eventsURL, version: VERSION },
});

const verify: Handler = async (call, deps) => {
  const { token } = call.body as AuthnRequest;
  const claims = await verifyToken(token, deps);
  return { body: { claims, tags: claimTags(claims).map(tag => Tag.parse(tag)) } satisfies Authn };
};

const metaRoutes = [
  ...Map.groupBy(
    operations.map(operation => routes[operation]),
    ({ path }) => path,
  ),
].map(([URL, all]) => ({ URL, verbs: all.map(({ method }) => method).sort(), private: false }));

export const tokens = {
  issueToken,
  getJwks,
  getMetaConfig,
  verifyToken: verify,
  getMetaName: async () => ({ body: { name: 'microseg' } }),
  getMetaVersion: async () => ({ body: { version: VERSION, api: 1 } }),
  listMetaRoutes: async () => ({ body: metaRoutes }),
} satisfies Record<string, Handler>;
