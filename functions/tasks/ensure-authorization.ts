import { z } from 'zod';
import { apiauthorizationpolicy } from '../../shared/schema/apiauthorizationpolicy.ts';
import { cloudaccount } from '../../shared/schema/cloudaccount.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { ensureObject } from '../ensure-object.ts';
import { Called, task } from './task.ts';

const Input = z.strictObject({
  ...Called,
  namespace: NamespacePath,
  prismaID: cloudaccount.createOnly.prismaID,
});

/** Lets the tenant's users of the NetSecOps permission group manage network policy in the account. */
export const ensureAuthorization = task(Input, async ({ execution, namespace, prismaID }, deps) => {
  const input = apiauthorizationpolicy.input.parse({
    name: 'NetSecOps',
    description: 'Made when the account was onboarded',
    subject: [
      ['@auth:realm=pcidentitytoken', `@auth:prismaid=${prismaID}`, '@auth:userroletypename=NetSecOps'],
    ],
    authorizedIdentities: ['@auth:role=netsecops'],
    authorizedNamespace: namespace,
  });
  const authorization = await ensureObject('apiauthorizationpolicy', namespace, input, execution, deps);
  return { ID: authorization.ID };
});
