import { ALWAYS, type Conditions, grantable } from '../../shared/core/grants.ts';
import { roleWarnings } from '../../shared/core/lint.ts';
import { covers, type Permissions, permissionsOf } from '../../shared/core/roles.ts';
import { fail } from '../../shared/schema/failure.ts';
import { isWithin } from '../../shared/schema/ids.ts';
import type { Call } from '../call.ts';
import { makeKeyPair, renewIn } from '../credential.ts';
import { crud } from '../crud.ts';
import { asFields } from '../input.ts';
import { brokenRules } from '../pipeline/problem.ts';
import { access, isInert, namedBy } from './access.ts';

/** What a permission holds; of a role that nobody knows everything, since it may come to mean anything. */
const meantBy = (authorized: string): Permissions =>
  isInert(authorized) && namedBy(authorized) === 'role' ? { '*': ['any'] } : permissionsOf(authorized);

/**
 * Nobody can grant what they lack, nor for longer, at other times or from elsewhere than they have it. What nobody knows comes from
 * imports alone, and stays where it is.
 */
function refuseToExceed(attribute: string, wanted: readonly string[], asked: Conditions, call: Call): void {
  const mine = grantable(call.granted, asked);
  const there: unknown = call.target && Reflect.get(call.target, attribute);
  for (const [index, authorized] of wanted.entries()) {
    const isThere = Array.isArray(there) && there.includes(authorized);
    if (isInert(authorized) && !isThere && !call.imported) {
      const message = `there is no such ${namedBy(authorized)}`;
      throw brokenRules([{ path: [attribute, index], input: authorized, message }]);
    }
    const permissions = meantBy(authorized);
    if (covers(mine, permissions)) continue;
    const why = covers(call.held, permissions)
      ? 'you hold it only until a time, at times or from some networks; grant it under the same conditions'
      : 'it holds more than you do';
    throw fail('forbidden', `you may not grant ${authorized} in ${call.namespace}: ${why}`);
  }
}

/** An import tells it in its report, with where it stands. */
const inertWarnings = (authorized: readonly string[], { imported }: Call): string[] =>
  imported
    ? []
    : authorized.filter(isInert).map(each => `${each} grants nothing: there is no such ${namedBy(each)}`);

const ALWAYS_PROPAGATES =
  'API authorizations always propagate, as they did in the original: propagate=false has no effect';

const apiauthorizationpolicy = crud('apiauthorizationpolicy', {
  check: (input, call) => {
    if (!isWithin(input.authorizedNamespace, call.namespace)) {
      throw brokenRules([
        {
          path: ['authorizedNamespace'],
          input: input.authorizedNamespace,
          message: `it must be ${call.namespace}, where this policy lives, or a namespace below`,
        },
      ]);
    }
    refuseToExceed('authorizedIdentities', input.authorizedIdentities, input, call);
  },
  warn: ({ authorizedIdentities }, call) => [
    ...roleWarnings(authorizedIdentities),
    ...inertWarnings(authorizedIdentities, call),
    ...(asFields(call.body).propagate === false ? [ALWAYS_PROPAGATES] : []),
  ],
});

const appcredential = crud('appcredential', {
  check: (input, call) => refuseToExceed('roles', input.roles, { ...ALWAYS, ...input }, call),
  warn: ({ roles }) => roleWarnings(roles),
  complete: async (object, { dryRun }, { apiURL, clock }) => {
    if (object.CSR !== '') {
      throw brokenRules([
        { path: ['CSR'], message: 'it renews a credential that is there; leave it out of a create' },
      ]);
    }
    if (dryRun) return;
    const serial = Buffer.from(clock.randomBytes(16)).toString('hex');
    Object.assign(object, await makeKeyPair(object, apiURL, clock.now(), serial));
  },
  renew: (object, _stored, _call, deps) => renewIn(object, deps),
});

/**
 * A provider vouches for whoever its issuer names, so it can make its writer anybody whom an authorization names, at any
 * time and from anywhere: that takes an administrator without conditions.
 */
const oidcprovider = crud('oidcprovider', {
  check: (_input, call) => {
    if (covers(grantable(call.granted, ALWAYS), { '*': ['any'] })) return;
    throw fail(
      'forbidden',
      `you may not write an oidcprovider in ${call.namespace}: its users can be anybody whom an authorization names, which takes all rights there, at all times, from all networks and with an unrestricted token`,
    );
  },
});

export const authorizations = {
  ...access,
  ...apiauthorizationpolicy,
  ...appcredential,
  ...oidcprovider,
};
