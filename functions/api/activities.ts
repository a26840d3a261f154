import type { Activity as Shown } from '../../shared/api/messages.ts';
import { attributeDiff } from '../../shared/core/attribute-diff.ts';
import type { Activity } from '../../shared/ports/object-store.ts';
import { fail } from '../../shared/schema/failure.ts';
import type { Call, Handler } from '../call.ts';
import { listParameters } from '../list-parameters.ts';
import { windowOf } from '../window.ts';

const DONE = { create: 'created', update: 'updated', delete: 'deleted' } as const;

const nameOf = (object: unknown): string => {
  const name = object !== null && typeof object === 'object' ? Reflect.get(object, 'name') : undefined;
  return typeof name === 'string' ? ` ${name}` : '';
};

/** `updated externalnetwork office`, or what was refused and why. */
function messageOf(activity: Activity): string {
  const { operation, targetIdentity, targetID, before, after, error, count = 1 } = activity;
  if (!error) return `${DONE[operation]} ${targetIdentity}${nameOf(after ?? before)}`;
  const target = targetID === undefined ? targetIdentity : `${targetIdentity} ${targetID}`;
  const refused = `refused to ${operation} ${target}: ${error.map(({ description }) => description).join('; ')}`;
  return count === 1
    ? refused
    : `${count} writes or more were refused within the minute, one of them: ${refused}`;
}

/** In the original's attributes. */
function shownOf(activity: Activity): Shown {
  const { id, before, after, source = '', count = 1, ...same } = activity;
  const isUpdate = before !== undefined && after !== undefined;
  return {
    ...same,
    ID: id,
    claims: [...same.claims],
    error: [...(same.error ?? [])],
    source,
    count,
    message: messageOf(activity),
    diff: isUpdate ? attributeDiff(before, after) : '',
    ...(after === undefined ? {} : { data: after }),
    ...(before === undefined ? {} : { originalData: before }),
  };
}

const refuse = (call: Call, names: readonly string[]): void => {
  const said = names.find(name => call.query[name] !== undefined);
  if (said === undefined) return;
  throw fail(
    'bad_request',
    `query parameter ${said} means nothing here: the log of one namespace comes newest first; use startAbsolute, endAbsolute, startRelative, endRelative, limit and after`,
  );
};

const FOREIGN = ['page', 'order', 'q', 'recursive', 'propagated'];

const listActivities: Handler = async (call, deps) => {
  refuse(call, FOREIGN);
  const { after, limit, pagesize } = listParameters(call);
  const page = await deps.store.activities(call.namespace, {
    ...windowOf(call, deps),
    limit: limit ?? (pagesize || 100),
    ...(after === undefined ? {} : { after }),
  });
  return { body: page.items.map(shownOf), ...(page.next === undefined ? {} : { next: page.next }) };
};

const countActivities: Handler = async (call, deps) => {
  refuse(call, FOREIGN);
  const window = windowOf(call, deps);
  let total = 0;
  let after: string | undefined;
  do {
    const page = await deps.store.activities(call.namespace, {
      ...window,
      limit: 1000,
      ...(after === undefined ? {} : { after }),
    });
    total += page.items.length;
    after = page.next;
  } while (after !== undefined);
  return { total };
};

export const activities = { listActivities, countActivities };
