import fc from 'fast-check';
import type { UnitEnd } from '../../../shared/core/decision.ts';
import type { LegacyExport } from '../../../shared/schema/conversion.ts';
import { type Entry, make, makeNamespace, pathOf } from '../objects.ts';
import { type RandomFlow, shape } from '../random-tenant.ts';
import type { LegacyTenant, Network, Policy } from './legacy.ts';

/** The export is of `/t/a`; `/t` is its ancestor. */
export const HOME = '/t/a';
const BELOW = [HOME, `${HOME}/x`, `${HOME}/y`] as const;
const PATHS = ['/t', ...BELOW] as const;

/** Small pools, so that policies, networks and flows meet often. */
const TAGS = ['app=1', 'app=2', 'app=12', 'env=p', 'ext=in', 'ext=out', 'externalnetwork:name=n0'] as const;
const WANTED = [
  ...TAGS,
  ...['app=1*', 'ext=*', '$namespace=/t/a', '$namespace=/t/a/*', '$name=n0', '$name=n*'],
  ...['$identity=processingunit', '$identity=externalnetwork', '$identity=enforcer'],
] as const;
const SERVICE_PORTS = [
  [],
  [],
  ['tcp/80'],
  ['tcp/443', 'udp/53'],
  ['any'],
  ['icmp/8'],
  // Cannot be read; the reference takes it for all of TCP.
  ['tcp'],
  ['tcp/0:65535'],
] as const;
const PORTS = [
  [],
  [],
  ['any'],
  ['tcp/80'],
  ['tcp/1:1000', 'udp/53'],
  ['icmp'],
  ['icmp/3/0:5', 'esp'],
] as const;
const ENTRIES = [
  ['0.0.0.0/0', '::/0'],
  ['10.0.0.0/8'],
  ['10.0.0.0/8', '!10.1.0.0/16'],
  ['10.1.0.0/16'],
  ['*.example.com'],
] as const;

/** What many have, and what few have. */
const wanted = fc.oneof(
  fc.constantFrom('app=1', 'ext=in', '$identity=processingunit', '$identity=externalnetwork'),
  fc.constantFrom(...WANTED),
);
const clause = fc.oneof(
  { weight: 8, arbitrary: wanted.map(tag => [tag]) },
  { weight: 4, arbitrary: fc.tuple(wanted, wanted) },
  { weight: 1, arbitrary: fc.constant<string[]>([]) },
);
const expression = fc.array(clause, { minLength: 1, maxLength: 3 });
const rarely = fc.nat(7).map(number => number === 0);
const often = fc.nat(3).map(number => number > 0);
const seldom = fc.nat(19).map(number => number === 0);

const policy = fc.record({
  namespace: fc.constantFrom(HOME, ...BELOW),
  action: fc.constantFrom('Allow', 'Allow', 'Allow', 'Reject', 'Continue'),
  applyPolicyMode: fc.constantFrom('IncomingTraffic', 'OutgoingTraffic', 'Bidirectional', 'Bidirectional'),
  subject: expression,
  object: expression,
  ports: fc.constantFrom(...PORTS).map(ports => [...ports]),
  negateSubject: seldom,
  negateObject: seldom,
  observationEnabled: rarely,
  observedTrafficAction: fc.constantFrom('Apply', 'Continue'),
  activeSchedule: seldom.map(is => (is ? '0 0 * * *' : '')),
  expirationTime: seldom.map(is => (is ? '2031-01-01T00:00:00.000Z' : '')),
  propagate: often,
  fallback: rarely,
  disabled: seldom,
});

const network = fc.record({
  name: fc.constantFrom('n0', 'n0', 'n1', 'n2', 'n*'),
  entries: fc.constantFrom(...ENTRIES).map(entries => [...entries]),
  servicePorts: fc.constantFrom(...SERVICE_PORTS).map(ports => [...ports]),
  associatedTags: fc.subarray(['ext=in', 'ext=out', 'app=1', 'externalnetwork:name=n0']),
  propagate: often,
});

const action = fc.constantFrom('Inherit', 'Allow', 'Reject');
export const legacyTenant = fc.record({
  policies: fc.array(policy, { minLength: 1, maxLength: 6 }),
  networks: fc.array(fc.tuple(fc.constantFrom(HOME, ...BELOW), network), { maxLength: 4 }),
  above: fc.array(network, { maxLength: 2 }),
  units: fc.array(
    fc.record({ namespace: fc.constantFrom(...BELOW), tags: fc.subarray([...TAGS], { minLength: 2 }) }),
    {
      minLength: 2,
      maxLength: 4,
    },
  ),
  incoming: fc.tuple(action, action, action, action),
  outgoing: fc.tuple(action, action, action, action),
});
export type RandomLegacy = typeof legacyTenant extends fc.Arbitrary<infer T> ? T : never;

/** Half of them to port 80, which most policies speak of. */
const flow = fc
  .tuple(shape, fc.boolean())
  .map(
    ([one, isWeb]): RandomFlow =>
      isWeb ? { ...one, traffic: { kind: 'ports', protocol: 6, port: 80 } } : one,
  );
export const flows = fc.array(flow, { minLength: 10, maxLength: 10 });

const named = ({ policies }: RandomLegacy): Policy[] =>
  policies.map((one, at) => ({ ...one, name: `p${at}`, subject: one.subject, object: one.object }));

const networksOf = ({ networks, above }: RandomLegacy): { mine: Network[]; above: Network[] } => ({
  mine: networks.map(([namespace, one]) => ({ namespace, ...one })),
  above: above.map(one => ({ namespace: '/t', ...one })),
});

/** As the reference reads it. */
export function asLegacy(random: RandomLegacy): LegacyTenant {
  const { mine, above } = networksOf(random);
  return {
    policies: named(random),
    networks: [...mine, ...above],
    default: (path, direction) => {
      const said = PATHS.map((at, index) => ({ at, action: random[direction][index] ?? 'Inherit' }))
        .filter(({ at, action: own }) => `${path}/`.startsWith(`${at}/`) && own !== 'Inherit')
        .at(-1)?.action;
      return said === 'Allow' ? 'Allow' : 'Reject';
    },
  };
}

/** What is not said is left out, as exports do; namespaces are relative to the export's. */
const exported = <T extends { namespace: string }>({ namespace, ...object }: T, home: string) => ({
  ...Object.fromEntries(Object.entries(object).filter(([, value]) => value !== '' && value !== false)),
  ...(namespace === home ? {} : { namespace: `.${namespace.slice(home.length)}` }),
});

const exportOf = (data: LegacyExport['data']): LegacyExport => ({
  APIVersion: 1,
  label: 'random',
  identities: [],
  data,
});

export function asExport(random: RandomLegacy): { mine: LegacyExport; above: LegacyExport } {
  const { mine, above } = networksOf(random);
  return {
    mine: exportOf({
      externalnetworks: mine.map(one => exported(one, HOME)),
      networkaccesspolicies: named(random).map(one => exported(one, HOME)),
    }),
    above: exportOf({ externalnetworks: above.map(one => exported(one, '/t')) }),
  };
}

/** The namespaces and processing units that both worlds have. */
export function surroundings(random: RandomLegacy): { entries: Entry[]; units: UnitEnd[] } {
  const namespaces = PATHS.map((path, at): Entry => {
    const defaults = {
      defaultPUIncomingTrafficAction: random.incoming[at],
      defaultPUOutgoingTrafficAction: random.outgoing[at],
    };
    return { identity: 'namespace', object: makeNamespace(path, 1 + at, defaults) };
  });
  const units = random.units.map(({ namespace, tags }, at) =>
    make('processingunit', namespace, 9000 + at, { type: 'Docker', associatedTags: tags }),
  );
  return {
    entries: [...namespaces, ...units.map((object): Entry => ({ identity: 'processingunit', object }))],
    units: units.map((unit, at) => ({
      kind: 'processing unit',
      namespace: pathOf(unit.namespace),
      tags: unit.normalizedTags,
      address: ['10.0.9.9', '10.1.9.9', '203.0.113.9', '2001:db8::9'][at] ?? '',
    })),
  };
}

/** The objects of an export, in the namespaces that they name, as an import of today stores them. */
export function imported({ data }: LegacyExport, home: string, from: number): Entry[] {
  const place = ({ namespace = '' }: Record<string, unknown>): string =>
    `${home}${String(namespace).replace(/^\.?\/*/, '/')}`.replace(/\/$/, '');
  const objects = <I extends 'externalnetwork' | 'networkrulesetpolicy'>(
    identity: I,
    list: Record<string, unknown>[] = [],
    first: number,
  ) =>
    list.map((object, at) => {
      const { namespace: _, ...fields } = object;
      return { identity, object: make(identity, place(object), first + at, fields) } as Entry;
    });
  return [
    ...objects('externalnetwork', data.externalnetworks, from),
    ...objects('networkrulesetpolicy', data.networkrulesetpolicies, from + 500),
  ];
}
