import { z } from 'zod';
import { type ProtocolPort, ProtocolPorts, parseProtocolPorts } from './protocol-ports.ts';
import { Archived, Description, Propagate, type RuleIssue, resource } from './resource.ts';

/** `80` is `tcp/80`. */
const withProtocol = (text: string): string => (/^\d+(:\d+)?$/.test(text) ? `tcp/${text}` : text);

/** The services in full, as rules write them: `80` becomes `tcp/80`. */
export const servicesInFull = (services: readonly string[]): string[] => services.map(withProtocol);

const entryOf = (service: string): ProtocolPort | undefined => {
  const full = [withProtocol(service)];
  if (!ProtocolPorts.safeParse(full).success) return undefined;
  const ports = parseProtocolPorts(full);
  return ports === 'any' ? undefined : ports[0];
};

type Ports = Extract<ProtocolPort, { kind: 'ports' }>;

const overlap = (a: Ports, b: Ports): boolean =>
  a.protocol === b.protocol && a.ports.from <= b.ports.to && b.ports.from <= a.ports.to;

/** Source: the original's `ValidateHostServices`: tcp and udp only, and no port twice. */
function servicesIssues(services: readonly string[]): RuleIssue[] {
  const earlier: { service: string; entry: Ports }[] = [];
  return services.flatMap((service, index) => {
    const issue = (message: string): RuleIssue[] => [{ path: ['services', index], input: service, message }];
    const entry = entryOf(service);
    if (entry?.kind !== 'ports')
      return issue(`\`${service}\` is no service; write tcp/80, udp/80:100, or 80 for tcp/80`);
    const other = earlier.find(one => overlap(one.entry, entry));
    earlier.push({ service, entry });
    return other ? issue(`\`${service}\` overlaps \`${other.service}\`; give each port once`) : [];
  });
}

export const hostservice = resource({
  identity: 'hostservice',
  plural: 'hostservices',
  aliases: ['hostsrv', 'hostsrvs'],
  group: 'legacy',
  summary:
    'Deprecated and without effect: services of a host, now external networks and rulesets on the host',
  defaultOrder: 'name',
  readOnly: {},
  createOnly: {},
  writable: {
    name: z
      .string()
      .min(1, 'must not be empty')
      .regex(/^[a-zA-Z0-9_]{0,127}$/, 'may hold up to 127 letters, digits and _ only')
      .describe('Letters, digits and `_`, at most 127.'),
    description: Description,
    services: z
      .array(z.string())
      .default([])
      .describe('Protocols and ports that the service listens on, `tcp/22`.'),
    hostModeEnabled: z
      .boolean()
      .default(false)
      .describe('The whole host is protected, not only its services.'),
    propagate: Propagate,
    archived: Archived,
  },
  rules: value => [
    ...(value.hostModeEnabled || value.services.length > 0
      ? []
      : [
          {
            path: ['services'],
            input: value.services,
            message: 'name at least one service, such as tcp/22, or set hostModeEnabled',
          },
        ]),
    ...servicesIssues(value.services),
  ],
});
export type HostService = z.infer<typeof hostservice.stored>;
