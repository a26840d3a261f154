import { identityNamed } from '../schema/resources.ts';

const SCRIPTS = 'scripts do not run in the control plane; subscribe to what happens and act outside';
const SERVICES = 'HTTP services and access to them are no part of microsegmentation here';
const HOSTS =
  'what happens within a host, in its files, calls and sessions, is no part of microsegmentation here';
const CONSOLE = 'it served the original’s console alone';
const LIMITS = 'limits are the platform’s';
const IDENTITIES = 'identities come from OpenID Connect issuers and clouds';

/** Resources of the original that its exports hold and that do not exist here, by what became of them. */
const ABSENT: Readonly<Record<string, readonly string[]>> = {
  [SCRIPTS]: ['automation', 'automationaction', 'automationcondition', 'automationtemplate', 'hookpolicy'],
  [SERVICES]: [
    'authority',
    'httpresourcespec',
    'restapispec',
    'service',
    'servicecertificate',
    'servicedependency',
    'servicepublication',
    'tokenscopepolicy',
    'trustednamespace',
  ],
  [HOSTS]: [
    'auditprofile',
    'auditprofilemappingpolicy',
    'fileaccesspolicy',
    'filepath',
    'isolationprofile',
    'processingunitpolicy',
    'sshauthority',
    'sshauthorizationpolicy',
    'useraccesspolicy',
  ],
  [CONSOLE]: ['alarm', 'app', 'dependencymapview', 'graphview', 'installation', 'recipe'],
  [LIMITS]: ['quotapolicy'],
  [IDENTITIES]: ['ldapprovider', 'pccprovider', 'samlprovider'],
};

const pluralOf = (identity: string): string =>
  /(s|x|ch)$/.test(identity)
    ? `${identity}es`
    : identity.endsWith('y')
      ? `${identity.slice(0, -1)}ies`
      : `${identity}s`;

const reasons = new Map(
  Object.entries(ABSENT).flatMap(([reason, all]) =>
    all.flatMap(identity => [identity, pluralOf(identity)].map(name => [name, reason] as const)),
  ),
);

/** What became of a resource of the original that does not exist here; undefined for any other name. */
export const whyAbsent = (name: string): string | undefined =>
  identityNamed(name) ? undefined : reasons.get(name.toLowerCase());
