import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Credential } from '../../../shared/schema/appcredential.ts';
import { fail } from '../../../shared/schema/failure.ts';
import type { ObjectId } from '../../../shared/schema/ids.ts';
import { readIdentity } from '../agent/identity.ts';
import { isDue } from '../agent/orders.ts';
import type { Clock } from '../clock.ts';
import { PLACES } from '../life/unit-files.ts';
import { VERSION } from '../version.ts';
import { Control } from './control.ts';
import { takeOver } from './hand-over.ts';
import { type Job, writeOrder } from './job.ts';
import { readJournal } from './journal.ts';

/** Milliseconds in which the directive must be found, and between two looks for it. */
const PATIENCE = 10 * 60_000;
const POLL = 2000;

export interface Fetching {
  prefix: string;
  /** The directive that is called for; any that is due where none is named. */
  directive?: string | undefined;
  clock: Clock;
  self: readonly string[];
  say: (text: string) => void;
}

/** What the agent of this host would do with its directive, by what the agent left on disk. Undefined: it has none. */
async function orderFor({ prefix, directive: called, clock, self }: Fetching): Promise<Job | undefined> {
  const folder = join(prefix, PLACES.home);
  const identity = readIdentity(folder);
  if (!identity?.binding) {
    throw fail('unavailable', `no agent has ever enforced a bundle from ${folder}; install it anew`);
  }
  const { api, enforcer, binding } = identity;
  const control = new Control({ api, enforcer }, { folder, prefix, clock });
  const until = clock.elapsed() + PATIENCE;
  for (;;) {
    // While the control plane can't be reached, later may be better.
    const directive = await control.directive().catch(() => undefined);
    const isMeant = directive && (called === undefined || directive.id === (called as ObjectId));
    if (isMeant && isDue(directive, VERSION, clock.now())) {
      const creds = join(prefix, PLACES.creds);
      const credential = existsSync(creds)
        ? { credential: Credential.parse(JSON.parse(readFileSync(creds, 'utf8'))) }
        : {};
      const { ID, name, namespace } = enforcer;
      const who = { ID, name, namespace };
      return {
        directive,
        api,
        ...credential,
        enforcer: who,
        binding,
        version: VERSION,
        self: [...self],
        by: 'ssm',
      };
    }
    if (clock.elapsed() > until) return undefined;
    await clock.sleep(POLL);
  }
}

/**
 * For hosts whose agent is dead: looks for this host's directive in the bundle of its namespace, verified as an agent would, and has
 * a runner carry it out. A runner that was at work goes on. Whoever is called for a directive that is not its own does nothing.
 */
export async function fetchOrder(fetching: Fetching): Promise<void> {
  const { prefix, self, say } = fetching;
  if (!readJournal(join(prefix, PLACES.runnerHome)) && !existsSync(join(prefix, PLACES.order))) {
    const order = await orderFor(fetching);
    if (!order) return say('there is no directive for this host that is due\n');
    say(`directive ${order.directive.id}: ${order.directive.kind} version ${order.directive.version}\n`);
    writeOrder(prefix, order);
  }
  await takeOver(prefix, self);
}
