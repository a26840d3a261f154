import type { Noun } from '../../shared/schema/resources.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The least that a create of each identity must say, in a namespace that has an administrator. */
export const minimal = (namespace: string): Readonly<Record<Noun, Fields>> => ({
  apiauthorizationpolicy: {
    name: 'auth',
    subject: [['@auth:realm=certificate', '@auth:subject=nobody']],
    authorizedIdentities: ['@auth:role=namespace.viewer'],
    authorizedNamespace: namespace,
  },
  appcredential: { name: 'program', roles: ['@auth:role=enforcer'] },
  cloudaccount: { name: 'aws-dev', accountID: '826088932159', provider: 'aws' },
  enforcer: { name: 'host-1', FQDN: 'host-1.example.com' },
  enforcerprofile: { name: 'profile' },
  enforcerprofilemappingpolicy: {
    name: 'mapping',
    subject: [['$identity=enforcer']],
    object: [['$name=profile']],
  },
  enforcerrelease: {
    version: '1.2.3',
    artifacts: [
      { name: 'agent-1.2.3.tgz', platform: 'linux', architecture: 'any', length: 1, sha256: 'a'.repeat(64) },
    ],
  },
  externalnetwork: { name: 'office', entries: ['192.0.2.0/24'] },
  hostservice: { name: 'ssh', services: ['tcp/22'] },
  hostservicemappingpolicy: { name: 'hosts' },
  importreference: { name: 'import' },
  installtoken: { name: 'install' },
  namespace: { name: 'child' },
  namespacemappingpolicy: { name: 'moved', subject: [['app=web']], mappedNamespace: 'child' },
  networkaccesspolicy: { name: 'web' },
  networkrulesetpolicy: { name: 'web', subject: [['app=web']] },
  oidcprovider: { name: 'login', endpoint: 'https://login.example.com', clientID: 'microseg' },
  processingunit: { name: 'unit', type: 'Docker' },
});

/** A change that each identity takes. */
export const change: Fields = { description: 'changed' };
