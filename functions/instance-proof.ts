import type { Enforcer } from '../shared/schema/enforcer.ts';
import { Failure, fail } from '../shared/schema/failure.ts';
import type { Ec2Instance } from '../shared/schema/instance.ts';
import type { TokenClaims } from '../shared/schema/token.ts';
import type { Call } from './call.ts';
import type { Deps } from './deps.ts';
import { verifyToken } from './pipeline/authenticate.ts';

export const isSame = (a: Ec2Instance | undefined, b: Ec2Instance | undefined): boolean =>
  a?.account === b?.account && a?.region === b?.region && a?.id === b?.id;

/**
 * Whether STS has said that the holder is the instance: EC2 calls the session of an instance's role by the instance's ID. Whoever
 * may assume a role of that account under a name of their choice could be called so as well.
 */
const proves = ({ realm, data }: TokenClaims, { account, id }: Ec2Instance): boolean =>
  realm === 'awssecuritytoken' && data.account === account && data.rolesessionname === id;

async function claimsOf(token: string, deps: Deps): Promise<TokenClaims> {
  try {
    return await verifyToken(token, deps);
  } catch (error) {
    if (!(error instanceof Failure && error.kind === 'unauthorized')) throw error;
    throw fail(
      'invalid',
      "Attribute 'instanceToken': it is no valid token of this API; get one from POST /issue in the realm AWSSecurityToken",
      { attribute: 'instanceToken' },
    );
  }
}

/**
 * An enforcer's word for the instance that it runs on becomes more than that when it shows the AWS identity of that instance: by the
 * token that it calls with, or by another one in `instanceToken`, which is forgotten. Another instance than was proven is not.
 */
export async function proveInstance(
  enforcer: Enforcer,
  { token }: Pick<Call, 'token'>,
  deps: Deps,
): Promise<void> {
  const { instance, instanceToken } = enforcer;
  enforcer.instanceToken = '';
  const shown = instanceToken === '' ? token : await claimsOf(instanceToken, deps);
  if (instance && shown && proves(shown, instance)) enforcer.verifiedInstance = instance;
  else if (!isSame(enforcer.verifiedInstance, instance)) delete enforcer.verifiedInstance;
}
