import type { IssueRequest } from '../../shared/api/messages.ts';
import type { Caller } from '../../shared/core/authorize.ts';
import type { Deps } from '../deps.ts';
import { proveAws } from './aws.ts';
import { proveAzure } from './azure.ts';
import { proveCertificate } from './certificate.ts';
import { proveToken } from './exchange.ts';
import { proveGoogle } from './google.ts';
import { proveOidc } from './oidc.ts';
import { provePrisma } from './prisma.ts';
import type { Proven } from './proven.ts';

/** Finds out who asks, in the realm that the request names. */
export function prove(asked: IssueRequest, { address }: Caller, deps: Deps): Promise<Proven> {
  switch (asked.realm) {
    case 'AppCredential':
    case 'Certificate':
      return proveCertificate(asked.metadata.token, address, deps);
    case 'OIDC':
      return proveOidc(asked.metadata, deps);
    case 'AWSSecurityToken':
      return proveAws(asked.metadata, deps);
    case 'GCPIdentityToken':
      return proveGoogle(asked.metadata.token, deps);
    case 'AzureIdentityToken':
      return proveAzure(asked.metadata.token, deps);
    case 'PCIdentityToken':
      return provePrisma(asked.metadata.token, deps);
    case 'AporetoIdentityToken':
      return proveToken(asked.metadata.token, deps);
  }
}
