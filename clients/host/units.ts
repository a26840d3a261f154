import type { Host } from './host.ts';

/** Where systemd finds units, first things first. Source: systemd.unit(5). */
const FOLDERS = [
  '/etc/systemd/system.control',
  '/run/systemd/system.control',
  '/run/systemd/transient',
  '/run/systemd/generator.early',
  '/etc/systemd/system',
  '/run/systemd/system',
  '/run/systemd/generator',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
  '/run/systemd/generator.late',
];

/** There is a link for each unit that was started and has not ended, whether or not a process of it runs. */
const STARTED = '/run/systemd/units';
/** Before version 236 nothing but its control group told of it. */
const GROUPS = ['/sys/fs/cgroup/system.slice', '/sys/fs/cgroup/systemd/system.slice'];

/** The first file of that name counts, and an empty one, such as /dev/null, says that there is no such unit. */
async function isKnown(host: Host, unit: string): Promise<boolean> {
  for (const folder of FOLDERS) {
    const text = await host.read(`${folder}/${unit}`);
    if (text !== undefined) return text !== '';
  }
  return false;
}

/** Whether it was started and has not ended. */
export async function isStarted(host: Host, unit: string): Promise<boolean> {
  if ((await host.list(STARTED)).includes(`invocation:${unit}`)) return true;
  const groups = await Promise.all(GROUPS.map(folder => host.exists(`${folder}/${unit}/cgroup.procs`)));
  return groups.includes(true);
}

/** What systemd makes of a service, as its files tell it. */
export async function stateOf(host: Host, unit: string): Promise<'absent' | 'active' | 'inactive'> {
  if (!(await isKnown(host, unit))) return 'absent';
  return (await isStarted(host, unit)) ? 'active' : 'inactive';
}
