import { createHash } from 'node:crypto';
import type { Answered, Write } from '../../shared/ports/object-store.ts';
import { Failure, fail } from '../../shared/schema/failure.ts';
import { tenantOf } from '../../shared/schema/ids.ts';
import { resourceOf } from '../../shared/schema/resources.ts';
import type { Call, Claim, Handler, Reply } from '../call.ts';
import type { Deps } from '../deps.ts';

/** Printable ASCII, as in the draft "The Idempotency-Key HTTP Header Field" of the HTTPAPI working group. */
const KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * The request's `Idempotency-Key`, for a POST. What anybody may call is left out: `POST /issue` takes each proof once
 * by itself.
 */
export function keyOf({ route, headers, dryRun }: Call): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined || route.method !== 'POST' || route.allow === 'everybody' || dryRun) return undefined;
  if (KEY.test(key)) return key;
  throw fail(
    'bad_request',
    'header Idempotency-Key must have 1 to 255 printable characters without spaces; a UUID does well',
  );
}

/** What makes two requests the same: who asks for what, where, and with which body. */
export function claimOf(call: Call, sent: unknown): Claim | undefined {
  const key = keyOf(call);
  if (key === undefined) return undefined;
  const { operation, namespace, params, query, caller } = call;
  const parts = [operation, namespace, params, Object.entries(query).sort(), caller.claims, sent];
  const request = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  return { operation, tenant: tenantOf(namespace), key, request };
}

export const earlierAnswer = async (
  call: Call,
  { store }: Pick<Deps, 'store'>,
): Promise<Answered | undefined> => {
  const key = keyOf(call);
  return key === undefined ? undefined : store.answered(tenantOf(call.namespace), key);
};

/** The step that keeps an answer. First in its transaction, so that of two equal requests the second is told why. */
export function answerStep(
  call: Call,
  { body, messages = [] }: Reply,
  { clock }: Pick<Deps, 'clock'>,
): Extract<Write, { kind: 'answer' }>[] {
  const { claim } = call;
  if (!claim || claim.operation !== call.operation) return [];
  const { tenant, key, request } = claim;
  const date = clock.now().toISOString();
  return [{ kind: 'answer', answer: { tenant, key, request, body: body ?? null, messages, date } }];
}

/** The first answer again, or 409 when the key came with another request. */
function repeated(answered: Answered, { claim, route }: Call): Reply {
  if (answered.request !== claim?.request) {
    throw fail(
      'conflict',
      `the Idempotency-Key \`${answered.key}\` was used at ${answered.date} for another request; use a new key`,
    );
  }
  const { secrets = [] } = route.crud ? resourceOf(route.crud.identity) : {};
  const left =
    secrets.length === 0
      ? []
      : [`${secrets.join(', ')} came with the first answer only; make a new object if that one was lost`];
  return {
    ...(answered.body === null ? {} : { body: answered.body }),
    messages: [...answered.messages, ...left],
  };
}

/** Notes whether anything was written, and whether the answer went with it. */
function watched(deps: Deps): { deps: Deps; wrote: () => boolean } {
  let wrote = false;
  let kept = false;
  const commit: Deps['store']['commit'] = async writes => {
    await deps.store.commit(writes);
    wrote = true;
    kept ||= writes.some(({ kind }) => kind === 'answer');
  };
  return { deps: { ...deps, store: { ...deps.store, commit } }, wrote: () => wrote && !kept };
}

/**
 * Runs a handler once for a key. Creates keep their answer in their own transaction (functions/crud.ts); what writes in
 * several transactions, as an import does, keeps it behind the last one.
 */
export async function onceForKey(
  handler: Handler,
  call: Call,
  deps: Deps,
  earlier: Answered | undefined,
): Promise<Reply> {
  if (!call.claim) return handler(call, deps);
  if (earlier) return repeated(earlier, call);
  try {
    const { deps: noting, wrote } = watched(deps);
    const reply = await handler(call, noting);
    if (wrote()) await deps.store.commit(answerStep(call, reply, deps));
    return reply;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // Another request with the key may have been first, and be the reason.
    const first = await earlierAnswer(call, deps);
    if (first) return repeated(first, call);
    throw error;
  }
}
