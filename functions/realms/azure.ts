import { z } from 'zod';
import type { PublicKey } from '../../shared/schema/oidc.ts';
import type { Deps } from '../deps.ts';
import { identityRefused, unverified, verifyIdentityToken } from './identity-token.ts';
import { type Proven, present } from './proven.ts';

const Tenant = z.object({ tid: z.guid(), iss: z.string() });

/** The two forms of Microsoft's issuer, each with its own keys; both have keys for all tenants. */
const ISSUERS = [
  {
    issuer: 'https://sts.windows.net/{tenantid}/',
    keys: 'https://login.microsoftonline.com/common/discovery/keys',
  },
  {
    issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0',
    keys: 'https://login.microsoftonline.com/common/discovery/v2.0/keys',
  },
];

/** Of a token for a managed identity; `xms_mirid` is the resource ID of the machine or of the identity. */
const Claims = z.object({
  tid: z.guid(),
  oid: z.string().optional(),
  appid: z.string().optional(),
  azp: z.string().optional(),
  xms_mirid: z.string().optional(),
});

/** `/subscriptions/<id>/resourcegroups/<name>/providers/<provider>/<type>/<name>` by its parts. */
const partsOf = (resource = ''): Record<string, string> => {
  const [, subscriptions, resourcegroups, provider, type, name] =
    /^\/subscriptions\/([^/]+)\/resourcegroups\/([^/]+)\/providers\/([^/]+)\/([^/]+)\/([^/]+)$/i.exec(
      resource,
    ) ?? [];
  return present({
    subscriptions,
    resourcegroups,
    resourcetype: provider && `${provider}/${type}`,
    resourcename: name,
  });
};

/** A token of Microsoft's identity platform for the audience that is set up, or else this API's URL. */
export async function proveAzure(token: string, deps: Deps): Promise<Proven> {
  const { success, data: tenant } = Tenant.safeParse(unverified(token));
  if (!success) throw identityRefused();
  const named = (pattern: string): string => pattern.replace('{tenantid}', tenant.tid);
  const found = ISSUERS.find(({ issuer }) => named(issuer) === tenant.iss);
  if (!found) throw identityRefused();
  const verified = await verifyIdentityToken(
    token,
    {
      realm: 'azureidentitytoken',
      issuer: tenant.iss,
      audience: deps.issuers.azureAudience || deps.apiURL,
      algorithms: ['RS256'],
      source: { jwks: found.keys },
      mayUse: ({ issuer }: PublicKey) => issuer === undefined || named(issuer) === tenant.iss,
    },
    deps,
    // `azp` is the application that asked for the token.
    false,
  );
  const { tid, oid, appid, azp, xms_mirid } = Claims.parse(verified);
  return {
    principal: { realm: 'azureidentitytoken', sub: verified.sub },
    data: present({ tenantid: tid, objectid: oid, appid: appid ?? azp, ...partsOf(xms_mirid) }),
  };
}
