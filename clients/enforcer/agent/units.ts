import { readFileSync, statSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { fail } from '../../../shared/schema/failure.ts';
import { ProcessingUnitType } from '../../../shared/schema/processingunit.ts';
import { MOST_ELEMENTS } from '../../../shared/schema/resource.ts';
import { Tag } from '../../../shared/schema/tag.ts';

const Address = z.union([z.ipv4(), z.ipv6()]);

/** It becomes a part of nft's text, which a quote or a new line would end: names as systemd writes them, and no others. */
export const CgroupPath = z
  .string()
  .max(1024)
  .regex(
    /^(?!\.{1,2}(\/|$))[\w.@:\\-]+(\/(?!\.{1,2}(\/|$))[\w.@:\\-]+)*$/,
    'must be a path below the root of control groups, such as system.slice/nginx.service, of letters, digits and _ . @ : - \\',
  );

/** A processing unit of this host beside the host itself, as a file lists it. */
const UnitEntry = z
  .strictObject({
    name: z.string().min(1).max(256),
    type: ProcessingUnitType.default('LinuxService'),
    tags: z.array(Tag).default([]),
    /** Addresses that are the unit's alone. */
    addresses: z.array(Address).max(MOST_ELEMENTS).default([]),
    /** Path below the root of control groups, version 2: `system.slice/nginx.service`. */
    cgroup: CgroupPath.optional(),
  })
  .refine(({ addresses, cgroup }) => addresses.length > 0 || cgroup !== undefined, {
    message: 'needs addresses or a cgroup, by which its traffic is told',
  });

export const UnitFile = z
  .strictObject({ units: z.array(UnitEntry) })
  .refine(({ units }) => new Set(units.map(({ name }) => name)).size === units.length, {
    message: 'two units have the same name',
  });

/** A processing unit of this host as it is found, before the control plane knows it. */
export interface FoundUnit {
  /** Tells it apart on this host, as long as it is the same unit. */
  localID: string;
  name: string;
  type: z.infer<typeof ProcessingUnitType>;
  tags: Tag[];
  addresses: string[];
  cgroup?: string;
}

/** The host's own name in its unit's `localID`. */
const HOST = 'host';

export interface HostFacts {
  name: string;
  fqdn: string;
  addresses: readonly string[];
  /** Of the cloud, and of the command line. */
  tags: readonly string[];
}

/** The host itself: everything that is no other unit's. */
export const hostUnit = ({ name, fqdn, addresses, tags }: HostFacts): FoundUnit => ({
  localID: HOST,
  name,
  type: 'Host',
  tags: [
    ...new Set(['app:host:type=linux', `app:host:fqdn=${fqdn}`, ...tags].map(tag => Tag.parse(tag))),
  ].sort(),
  addresses: [...addresses],
});

export const isHost = ({ localID }: Pick<FoundUnit, 'localID'>): boolean => localID === HOST;

/** Addresses of the host that no other unit owns: one address has one owner, for peers as well. */
export function remaining(addresses: readonly string[], others: readonly FoundUnit[]): string[] {
  const owned = new Set(others.flatMap(other => other.addresses));
  return addresses.filter(address => !owned.has(address));
}

/** Who can write the file says by which policy its processes are decided: that must be the agent's own user, or root. */
function refuseForeign(path: string): void {
  const { uid, mode } = statSync(path, { throwIfNoEntry: false }) ?? {};
  if (uid === undefined || mode === undefined) return;
  if (uid !== 0 && uid !== process.getuid?.())
    throw fail(
      'invalid',
      `${path}: belongs to user ${uid}, who could say what units are here; chown it to root`,
    );
  if ((mode & 0o022) !== 0)
    throw fail('invalid', `${path}: others can write it, and say what units are here; chmod go-w it`);
}

/** Units of a file in YAML or JSON: `units: [{name, tags, addresses | cgroup}]`. Fails with what is wrong, and where. */
export function readUnits(path: string): FoundUnit[] {
  let content: unknown;
  refuseForeign(path);
  try {
    content = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw fail(
      'invalid',
      `${path}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
    );
  }
  const parsed = UnitFile.safeParse(content);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw fail('invalid', `${path}: ${issue?.path.join('.') || 'the file'}: ${issue?.message}`);
  }
  return parsed.data.units.map(({ cgroup, tags, ...unit }) => ({
    ...unit,
    localID: `file:${unit.name}`,
    tags: [...new Set(tags)].sort(),
    ...(cgroup === undefined ? {} : { cgroup }),
  }));
}
