import { newObjectId } from '../../shared/core/object.ts';
import type { Activity, ActivityError } from '../../shared/ports/object-store.ts';
import { FAILURES, Failure } from '../../shared/schema/failure.ts';
import { ObjectId } from '../../shared/schema/ids.ts';
import type { Call } from '../call.ts';
import type { Deps } from '../deps.ts';

/** Entries and characters of a refusal that the log keeps. */
const MOST = 10;
const LONGEST = 512;

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
    await store.commit([
      { kind: 'require', namespace: call.namespace },
      { kind: 'activity', activity },
    ]);
  } catch (reason) {
    if (reason instanceof Failure && reason.kind === 'not_found') return;
    const { requestID, namespace, claims } = activity;
    log.warn('refused write not entered', { requestID, namespace, claims, error: String(reason) });
  }
}
