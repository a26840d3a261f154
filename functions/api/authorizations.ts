import { ALWAYS, type Conditions, grantable } from '../../shared/core/grants.ts';
import { roleWarnings } from '../../shared/core/lint.ts';
import { covers, permissionsOf } from '../../shared/core/roles.ts';
import { fail } from '../../shared/schema/failure.ts';
import { isWithin } from '../../shared/schema/ids.ts';
import type { Call } from '../call.ts';
import { makeKeyPair, renewIn } from '../credential.ts';
import { asFields, crud } from '../crud.ts';
import { brokenRules } from '../pipeline/problem.ts';
import { access, PERMISSIONS } from './access.ts';

/** What a raw permission can be on: whatever a route asks for, or everything. */
const known = new Set([...PERMISSIONS, '*']);

/** Nobody can grant what they lack, nor for longer, at other times or from elsewhere than they have it. */
function refuseToExceed(attribute: string, wanted: readonly string[], asked: Conditions, call: Call): void {
  const mine = grantable(call.granted, asked);
  for (const [index, authorized] of wanted.entries()) {
    const permissions = permissionsOf(authorized);
    const isRole = authorized.startsWith('@auth:role=');
    const named = Object.keys(permissions);
    if (isRole ? named.length === 0 : !named.every(identity => known.has(identity))) {
      const message = `there is no such ${isRole ? 'role' : 'identity'}`;
      throw brokenRules([{ path: [attribute, index], input: authorized, message }]);
    }
    if (covers(mine, permissions)) continue;
    const why = covers(call.held, permissions)
      ? 'you hold it only until a time, at times or from some networks; grant it under the same conditions'
      : 'it holds more than you do';
    throw fail('forbidden', `you may not grant ${authorized} in ${call.namespace}: ${why}`);
  }
}

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
  warn: ({ authorizedIdentities }, { body }) => [
    ...roleWarnings(authorizedIdentities),
    ...(asFields(body).propagate === false ? [ALWAYS_PROPAGATES] : []),
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
