import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';

/** Given by the firmware, and by the system at its installation. */
const SMBIOS = '/sys/class/dmi/id/product_uuid';
const MACHINE_ID = '/etc/machine-id';

/** Firmware that has no number says one of these. */
const NO_NUMBER = /^(0{8}-|f{8}-|03000200-0400-0500-0006-000700080009)/i;

const textOf = (path: string): Promise<string> =>
  readFile(path, 'utf8').then(
    text => text.trim(),
    () => '',
  );

/**
 * By which the control plane knows the machine again after a new installation: the number of its firmware, or else of its
 * system. Hashed where it is the system's, which must not be told (machine-id(5)). Undefined when it has neither.
 */
export async function machineID(
  paths = { smbios: SMBIOS, machineID: MACHINE_ID },
): Promise<string | undefined> {
  const uuid = await textOf(paths.smbios);
  if (uuid !== '' && !NO_NUMBER.test(uuid)) return uuid.toLowerCase();
  const system = await textOf(paths.machineID);
  if (system === '') return undefined;
  return createHash('sha256').update(`prisma-enforcer ${system}`).digest('hex').slice(0, 32);
}

/** Firmware of instances of AWS, Google Cloud and Azure. */
const CLOUD_VENDORS = /^(Amazon EC2|Google|Microsoft Corporation|Xen)/;

/** Whether the firmware says that the machine is an instance of a cloud. */
export const isCloudMachine = async (path = '/sys/class/dmi/id/sys_vendor'): Promise<boolean> =>
  CLOUD_VENDORS.test(await textOf(path));

const isOfLink = (address: string): boolean => /^(fe[89ab]|169\.254\.)/i.test(address);

/** Addresses under which others see the host: not those of loopback and of one link alone. Sorted. */
export const addresses = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap(all => all ?? [])
    .filter(({ internal, address }) => !internal && !isOfLink(address))
    .map(({ address }) => address)
    .sort();
