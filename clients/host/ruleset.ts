import type { HostFacts } from '../../shared/schema/host-facts.ts';
import { specimen } from '../enforcer/specimen.ts';
import { COMPLAINT, type Host } from './host.ts';

type Refused = NonNullable<HostFacts['refusedRules']>[number];

/** Characters that a fact has room for. */
const ROOM = 128;

/** What nft complains of, each kind of expression once: it says where in which line of the rules each is. */
export function refusedIn(said: string): Refused[] {
  const found = new Map<string, Refused>();
  for (const [, from, to, reason = '', line = ''] of said.matchAll(COMPLAINT)) {
    const text = line.slice(Number(from) - 1, Number(to)).trim();
    const [kind = text] = text.split(/\s+/);
    if (!found.has(kind)) found.set(kind, { expression: text.slice(0, ROOM), reason: reason.slice(0, ROOM) });
  }
  return [...found.values()];
}

/** A control group of version 2 that is there, by its path below the place where nft looks. */
async function anyCgroup(host: Host): Promise<string | undefined> {
  if (!(await host.exists('/sys/fs/cgroup/cgroup.controllers'))) return undefined;
  for (const name of await host.list('/sys/fs/cgroup'))
    if (/^[\w.@-]+$/.test(name) && (await host.exists(`/sys/fs/cgroup/${name}/cgroup.procs`))) return name;
  return undefined;
}

/** Of the rules that an agent loads, those that nft or the kernel of the host does not take. Undefined where nobody could try. */
export async function refusedRules(host: Host): Promise<Refused[] | undefined> {
  const said = await host.check(specimen(await anyCgroup(host)));
  return said === undefined ? undefined : refusedIn(said);
}
