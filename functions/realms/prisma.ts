import { fail } from '../../shared/schema/failure.ts';
import type { Deps } from '../deps.ts';
import { identityRefused, verifyIdentityToken } from './identity-token.ts';
import { ALGORITHMS } from './oidc.ts';
import { type Proven, present } from './proven.ts';

/** Claims of a user of the cloud console that policies match, `@auth:prismaid=` and so on. */
const TAKEN = ['prismaId', 'userRoleTypeName', 'userRoleId', 'userRoleName', 'userName', 'customerName'];

/** A token of the one issuer of console users that the installation names. It outlives the original in nothing. */
export async function provePrisma(token: string, deps: Deps): Promise<Proven> {
  const { pcIssuer, pcAudience } = deps.issuers;
  if (pcIssuer === '') {
    throw fail(
      'invalid',
      "Attribute 'realm' is PCIdentityToken, whose issuer is not set up here; set PC_ISSUER",
      {
        attribute: 'realm',
        value: 'PCIdentityToken',
      },
    );
  }
  const claims = await verifyIdentityToken(
    token,
    {
      realm: 'pcidentitytoken',
      issuer: pcIssuer,
      audience: pcAudience || deps.apiURL,
      algorithms: ALGORITHMS,
      source: { issuer: pcIssuer },
    },
    deps,
  );
  const longest = Math.floor(claims.exp) - Math.floor(deps.clock.now().getTime() / 1000);
  if (longest < 1) throw identityRefused();
  return {
    principal: { realm: 'pcidentitytoken', sub: claims.sub },
    data: present(Object.fromEntries(TAKEN.map(name => [name.toLowerCase(), claims[name]]))),
    longest,
  };
}
