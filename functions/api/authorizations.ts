import { covers, permissionsOf } from '../../shared/core/roles.ts';
import { fail } from '../../shared/schema/failure.ts';
import { isWithin } from '../../shared/schema/ids.ts';
import type { Call } from '../call.ts';
import { makeKeyPair } from '../credential.ts';
import { crud } from '../crud.ts';
import { brokenRules } from '../pipeline/problem.ts';
import { access, PERMISSIONS } from './access.ts';

/** What a raw permission can be on: whatever a route asks for, or everything. */
const grantable = new Set([...PERMISSIONS, '*']);

/** Nobody can grant what they lack. */
function refuseToExceed(attribute: string, wanted: readonly string[], call: Call): void {
  for (const [index, authorized] of wanted.entries()) {
    const permissions = permissionsOf(authorized);
    const isRole = authorized.startsWith('@auth:role=');
    const named = Object.keys(permissions);
    if (isRole ? named.length === 0 : !named.every(identity => grantable.has(identity))) {
      const message = `there is no such ${isRole ? 'role' : 'identity'}`;
      throw brokenRules([{ path: [attribute, index], input: authorized, message }]);
    }
    if (!covers(call.held, permissions)) {
      throw fail(
        'forbidden',
        `you may not grant ${authorized} in ${call.namespace}: it holds more than you do`,
      );
    }
  }
}

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
    refuseToExceed('authorizedIdentities', input.authorizedIdentities, call);
  },
});

const appcredential = crud('appcredential', {
  check: (input, call) => refuseToExceed('roles', input.roles, call),
  complete: async (object, { dryRun }, { apiURL, clock }) => {
    if (dryRun) return;
    const serial = Buffer.from(clock.randomBytes(16)).toString('hex');
    Object.assign(object, await makeKeyPair(object, apiURL, clock.now(), serial));
  },
});

export const authorizations = {
  ...access,
  ...apiauthorizationpolicy,
  ...appcredential,
  ...crud('oidcprovider'),
};
