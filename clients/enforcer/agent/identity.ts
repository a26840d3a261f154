import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { NamespacePath, ObjectId } from '../../../shared/schema/ids.ts';
import { ProcessingUnitType } from '../../../shared/schema/processingunit.ts';
import { Tag } from '../../../shared/schema/tag.ts';
import { makeFolder, writeWhole } from '../files.ts';
import { CgroupPath } from './units.ts';

/** Who this host is to the control plane: enough to enforce its last policy before the network is up. */
export const HostIdentity = z.object({
  api: z.string(),
  /** SHA-256 of the root that the installation trusted. */
  root: z.string(),
  enforcer: z.object({
    ID: ObjectId,
    name: z.string(),
    namespace: NamespacePath,
    normalizedTags: z.array(Tag),
  }),
  /** What its bundles must be bound to. */
  binding: z.object({ tenant: z.string(), namespace: z.string(), namespaceID: z.string() }).optional(),
  units: z.array(
    z.object({
      localID: z.string(),
      name: z.string(),
      type: ProcessingUnitType,
      tags: z.array(Tag),
      addresses: z.array(z.string()),
      cgroup: CgroupPath.exactOptional(),
      ID: ObjectId,
      namespace: NamespacePath,
      normalizedTags: z.array(Tag),
    }),
  ),
  layer3Only: z.boolean(),
  /** Where DNS names of external networks led to. */
  names: z.record(z.string(), z.array(z.string())),
  infrastructure: z.object({
    controlPlane: z.array(z.object({ address: z.string(), port: z.int() })),
    resolvers: z.array(z.string()),
  }),
});
export type HostIdentity = z.infer<typeof HostIdentity>;

const FILE = 'host.json';

export function readIdentity(folder: string): HostIdentity | undefined {
  try {
    return HostIdentity.safeParse(JSON.parse(readFileSync(join(folder, FILE), 'utf8'))).data;
  } catch {
    return undefined;
  }
}

/** Writes only what changed. Throws what the system says. */
export function writeIdentity(folder: string, identity: HostIdentity): void {
  const text = `${JSON.stringify(identity)}\n`;
  makeFolder(folder);
  try {
    if (readFileSync(join(folder, FILE), 'utf8') === text) return;
  } catch {
    // There is none yet.
  }
  writeWhole(join(folder, FILE), text);
}
