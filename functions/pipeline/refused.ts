import { createHash } from 'node:crypto';
import { newObjectId } from '../../shared/core/object.ts';
import type { Activity, ActivityError, ObjectStore } from '../../shared/ports/object-store.ts';
import { FAILURES, Failure } from '../../shared/schema/failure.ts';
import { ObjectId } from '../../shared/schema/ids.ts';
import type { Call } from '../call.ts';
import type { Deps } from '../deps.ts';

/** Entries and characters of a refusal that the log keeps. */
const MOST = 10;
const LONGEST = 512;

const MINUTE = 60_000;
/** Refusals to one caller in one namespace that get an entry of their own each minute. */
const SINGLE = 10;
/** Namespaces with callers that are counted at a time; at the limit counting begins anew. */
const COUNTED = 10_000;

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

/** What this process refused in one minute, by namespace and caller. */
interface Counted {
  minute: number;
  counts: Map<string, number>;
  /** Beside it other processes count their own. */
  process: Uint8Array;
}

const countedFor = new WeakMap<ObjectStore, Counted>();

/** The number of this refusal among those of its minute, namespace and caller. */
function countOf(activity: Activity, { store, clock }: Pick<Deps, 'store' | 'clock'>) {
  const minute = Math.floor(Date.parse(activity.date) / MINUTE);
  const known = countedFor.get(store) ?? { minute, counts: new Map(), process: clock.randomBytes(16) };
  countedFor.set(store, known);
  if (known.minute !== minute || known.counts.size >= COUNTED) known.counts.clear();
  known.minute = minute;
  const key = `${activity.namespace}\n${callerOf(activity)}`;
  const count = (known.counts.get(key) ?? 0) + 1;
  known.counts.set(key, count);
  return { minute, key, count, process: known.process };
}

const isPowerOfTwo = (count: number): boolean => Number.isInteger(Math.log2(count));

/**
 * The entry as it is written: of a minute's first refusals each as it is, and then one more, at the end of the minute, that is
 * written anew each time their number has doubled. So whoever is refused all day long leaves eleven entries a minute.
 */
function bounded(activity: Activity, deps: Pick<Deps, 'store' | 'clock'>): Activity | undefined {
  const { minute, key, count, process } = countOf(activity, deps);
  if (count <= SINGLE) return activity;
  if (!isPowerOfTwo(count)) return undefined;
  const date = new Date((minute + 1) * MINUTE - 1);
  const digest = createHash('sha256').update(process).update(key).digest();
  const id = newObjectId(date, size => digest.subarray(0, size));
  return { ...activity, id, date: date.toISOString(), count };
}

async function enter(activity: Activity, deps: Pick<Deps, 'store' | 'clock' | 'log'>): Promise<void> {
  const entry = bounded(activity, deps);
  if (!entry) {
    const { requestID, namespace, claims, operation, targetIdentity } = activity;
    deps.log.info('refused write counted', { requestID, namespace, claims, operation, targetIdentity });
    return;
  }
  await deps.store.commit([
    { kind: 'require', namespace: entry.namespace },
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
    await enter(activity, { store, clock, log });
  } catch (reason) {
    if (reason instanceof Failure && reason.kind === 'not_found') return;
    const { requestID, namespace, claims } = activity;
    log.warn('refused write not entered', { requestID, namespace, claims, error: String(reason) });
  }
}
