import type { Clock } from '../clock.ts';
import { VERSION } from '../version.ts';
import type { Holding } from './holding.ts';
import type { Membership } from './membership.ts';
import { type Status, writeStatus } from './status.ts';
import type { Troubles } from './troubles.ts';

/** What only the agent knows of how it fares. */
export interface Faring {
  startedAt: Date;
  api: string;
  enforces: boolean;
  mended: number;
  reconciled: Status['reconciled'];
  refused: Status['refused'];
  flows: Status['flows'];
}

const activeOf = ({ active, lockdown }: Holding): Status['active'] =>
  active && {
    revision: active.content.revision,
    digest: active.digest,
    since: active.since.toISOString(),
    units: active.units.length,
    ...(active.profile === undefined ? {} : { profile: active.profile }),
    warnings: [...active.warnings],
    lockdown,
  };

/** Everything that is told of an agent, at this moment. */
export function statusOf(
  { startedAt, api, enforces, mended, reconciled, refused, flows }: Faring,
  { enforcer, contact }: Membership,
  holding: Holding,
  troubles: Troubles,
  now: Date,
): Status {
  const active = activeOf(holding);
  const { expires, staleFor } = holding.freshness;
  return {
    version: VERSION,
    pid: process.pid,
    startedAt: startedAt.toISOString(),
    updatedAt: now.toISOString(),
    enforces,
    api,
    ...(enforcer
      ? { enforcer: { ID: enforcer.ID, name: enforcer.name, namespace: enforcer.namespace } }
      : {}),
    ...(active ? { active } : enforces ? { before: holding.isShut ? 'reject' : 'allow' } : {}),
    ...(expires ? { expires: expires.toISOString() } : {}),
    staleSeconds: Math.floor(staleFor / 1000),
    ...(refused ? { refused } : {}),
    mended,
    ...(reconciled ? { reconciled } : {}),
    ...(contact ? { lastContact: contact.toISOString() } : {}),
    troubles: troubles.all,
    ...(flows ? { flows } : {}),
  };
}

/** Milliseconds between two writes of a status in which only times and counts are new. */
const QUIET = 10_000;

/** Writes the status when there is news, and now and then when there isn't. */
export class StatusFile {
  readonly #path: string;
  readonly #clock: Clock;
  #written = '';

  constructor(folder: string, clock: Clock) {
    this.#path = `${folder}/status.json`;
    this.#clock = clock;
  }

  write(status: Status): void {
    const { updatedAt: _, lastContact: __, staleSeconds: ___, flows: ____, ...news } = status;
    const key = JSON.stringify(news) + Math.floor(this.#clock.elapsed() / QUIET);
    if (key === this.#written) return;
    this.#written = key;
    writeStatus(this.#path, status);
  }
}
