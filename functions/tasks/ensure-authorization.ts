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

/** Permission groups of the console → what they may do in the account's namespace and below. */
const GROUPS = [
  { name: 'NetSecOps', group: 'NetSecOps', role: '@auth:role=netsecops' },
  { name: 'NetSecOps, read-only', group: 'NetSecOpsReadOnly', role: '@auth:role=netsecops.viewer' },
] as const;

/** Lets the tenant's users of the NetSecOps permission groups manage network policy in the account, or see it. */
export const ensureAuthorization = task(Input, async ({ execution, namespace, prismaID }, deps) => {
  const made: string[] = [];
  for (const { name, group, role } of GROUPS) {
    const input = apiauthorizationpolicy.input.parse({
      name,
      description: 'Made when the account was onboarded',
      subject: [
        ['@auth:realm=pcidentitytoken', `@auth:prismaid=${prismaID}`, `@auth:userroletypename=${group}`],
      ],
      authorizedIdentities: [role],
      authorizedNamespace: namespace,
    });
    made.push((await ensureObject('apiauthorizationpolicy', namespace, input, execution, deps)).ID);
  }
  return { IDs: made };
});
