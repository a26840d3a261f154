import { createHash } from 'node:crypto';
import { newObjectId } from '../../shared/core/object.ts';
import type { Activity, ActivityError } from '../../shared/ports/object-store.ts';
import { FAILURES, Failure } from '../../shared/schema/failure.ts';
import { ObjectId, tenantOf } from '../../shared/schema/ids.ts';
import type { Call } from '../call.ts';
import type { Deps } from '../deps.ts';

/** Entries and characters of a refusal that the log keeps. */
const MOST = 10;
const LONGEST = 512;

const MINUTE = 60_000;
/** Refusals to one caller in one namespace that get an entry of their own each minute. */
const SINGLE = 10;
/** Seconds for which a counter is kept. */
const COUNTED = 120;

const OPERATIONS = { post: 'create', put: 'update', delete: 'delete' } as const;

/** What was sent may be a secret in the wrong place, so the log keeps the reason and not the value. */
const reasons = ({ kind, details }: Failure): ActivityError[] =>
  details.slice(0, MOST).map(({ description }) => ({
    ...FAILURES[kind],
    description: (description.split('; the value was ')[0] ?? '').slice(0, LONGEST),
  }));

/** The entry for a write that was refused; undefined for reads and rehearsals, and where nobody knows who called. */
function refusal(call: Call, failure: Failure, { clock }: Pick<Deps, 'clock'>): Activity | undefined {
  const { allow, readOnly } = call.route;
  if (
    allow === 'everybody' ||
    allow.verb === 'get' ||
    readOnly ||
    call.dryRun ||
    call.caller.claims.length === 0
  ) {
    return undefined;
  }
  const now = clock.now();
  const id = ObjectId.safeParse(call.params.id);
  return {
    id: newObjectId(now, size => clock.randomBytes(size)),
    namespace: call.namespace,
    date: now.toISOString(),
    operation: OPERATIONS[allow.verb],
    targetIdentity: allow.identity,
    ...(id.success ? { targetID: id.data } : {}),
    claims: call.caller.claims,
    source: call.caller.address,
    requestID: call.requestID,
    error: reasons(failure),
  };
}

/** Who called, as far as nobody but the issuer of the token can vary it. */
const callerOf = ({ claims }: Activity): string =>
  claims.filter(claim => /^@auth:(realm|subject|namespace)=/.test(claim)).join('\n');

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

const isPowerOfTwo = (count: number): boolean => Number.isInteger(Math.log2(count));

/**
 * The entry as it is written when this is the caller's `count`th refusal of the minute in the namespace: the first ones as they
 * are, then one more, at the end of the minute, that is written anew each time their number has doubled. So whoever is
 * refused all day long leaves eleven entries a minute.
 */
function bounded(activity: Activity, minute: number, count: number): Activity | undefined {
  if (count <= SINGLE) return activity;
  if (!isPowerOfTwo(count)) return undefined;
  const date = new Date((minute + 1) * MINUTE - 1);
  const id = newObjectId(date, size => digest(callerOf(activity)).subarray(0, size));
  return { ...activity, id, date: date.toISOString(), count };
}

async function enter(activity: Activity, { store, log }: Pick<Deps, 'store' | 'log'>): Promise<void> {
  const { namespace } = activity;
  const minute = Math.floor(Date.parse(activity.date) / MINUTE);
  const key = digest(`${minute}\n${namespace}\n${callerOf(activity)}`).toString('hex');
  const most = Number.MAX_SAFE_INTEGER;
  const count = (await store.take(tenantOf(namespace), `refused#${key}`, most, COUNTED)) ?? most;
  const entry = bounded(activity, minute, count);
  if (!entry) {
    const { requestID, claims, operation, targetIdentity } = activity;
    log.info('refused write counted', { requestID, namespace, claims, operation, targetIdentity });
    return;
  }
  await store.commit([
    { kind: 'require', namespace },
    { kind: 'activity', activity: entry },
  ]);
}

/**
 * Enters a refused write into the activity log of the namespace that it was sent to, where there is one. The answer is
 * the same whether or not that works: what could not be entered is in the log of the program.
 */
export async function enterRefusal(
  call: Call | undefined,
  error: unknown,
  { store, clock, log }: Pick<Deps, 'store' | 'clock' | 'log'>,
): Promise<void> {
  if (!call || !(error instanceof Failure) || error.kind === 'unavailable') return;
  const activity = refusal(call, error, { clock });
  if (!activity) return;
  try {
    await enter(activity, { store, log });
  } catch (reason) {
    if (reason instanceof Failure && reason.kind === 'not_found') return;
    const { requestID, namespace, claims } = activity;
    log.warn('refused write not entered', { requestID, namespace, claims, error: String(reason) });
  }
}
