import type { ImportFinding, ImportRequest } from '../../shared/api/messages.ts';
import { identityNamed } from '../../shared/schema/resources.ts';

type Data = ImportRequest['data']['data'];

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

/**
 * What an import takes of a file. The original's exports name every resource, with an empty list where there is nothing; and
 * what does not exist here is left out, each object with a finding.
 */
export function withoutAbsent(data: Data): { data: Data; findings: ImportFinding[] } {
  const findings = Object.entries(data).flatMap(([plural, objects]) => {
    const why = whyAbsent(plural);
    return objects.flatMap((object, index) =>
      why === undefined
        ? []
        : [
            {
              at: `data.${plural}[${index}]`,
              name: typeof object.name === 'string' ? object.name : '',
              message: `it was left out: ${why}`,
            },
          ],
    );
  });
  const taken = Object.entries(data).filter(
    ([plural, objects]) => objects.length > 0 && whyAbsent(plural) === undefined,
  );
  return { data: Object.fromEntries(taken), findings };
}
