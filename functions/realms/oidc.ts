import type { IssueRequest } from '../../shared/api/messages.ts';
import type { NamespacePath } from '../../shared/schema/ids.ts';
import type { OidcProvider } from '../../shared/schema/oidcprovider.ts';
import type { Deps } from '../deps.ts';
import { everyIn } from '../pipeline/authorize.ts';
import { identityRefused, type Verified, verifyIdentityToken } from './identity-token.ts';
import { type Proven, textOf } from './proven.ts';

/** What issuers sign identity tokens with. Asymmetric only: a shared secret would let us forge them. */
export const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'];

async function providerOf(
  namespace: NamespacePath,
  name: string,
  { store }: Pick<Deps, 'store'>,
): Promise<OidcProvider> {
  const provider =
    name === ''
      ? (await everyIn(store, 'oidcprovider', namespace)).find(it => it.default)
      : await store.getByName('oidcprovider', namespace, name);
  if (!provider || provider.disabled) throw identityRefused();
  return provider;
}

/** An address that the issuer says nobody has confirmed is a name that the caller chose. */
const isUnconfirmed = (name: string, claims: Verified): boolean =>
  name === 'email' && 'email_verified' in claims && String(claims.email_verified) !== 'true';

/** The claims that the provider names. An entry of a list becomes `<claim>:<entry>` = `true`, as in the original. */
const dataOf = (claims: Verified, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    names.flatMap(name => {
      const value = Object.hasOwn(claims, name) && !isUnconfirmed(name, claims) ? claims[name] : undefined;
      if (Array.isArray(value)) {
        return value
          .filter(entry => typeof entry === 'string' && /^[^\s=]+$/.test(entry))
          .map(entry => [`${name}:${entry}`, 'true']);
      }
      const text = textOf(value);
      return text === undefined ? [] : [[name, text]];
    }),
  );

/** An identity token of an issuer that a provider object of the namespace names. */
export async function proveOidc(
  { namespace, OIDCProviderName, token }: Extract<IssueRequest, { realm: 'OIDC' }>['metadata'],
  deps: Deps,
): Promise<Proven> {
  const { ID, endpoint, clientID, subjects } = await providerOf(namespace, OIDCProviderName, deps);
  const claims = await verifyIdentityToken(
    token,
    {
      realm: 'oidc',
      issuer: endpoint,
      audience: clientID,
      algorithms: ALGORITHMS,
      source: { issuer: endpoint },
    },
    deps,
  );
  return {
    principal: { realm: 'oidc', sub: claims.sub, namespace, provider: ID },
    data: dataOf(claims, subjects),
  };
}
