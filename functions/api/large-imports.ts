import { type CreatedImport, ShownImport } from '../../shared/api/import-routes.ts';
import { newObject, newObjectId, touch } from '../../shared/core/object.ts';
import { UPLOADS } from '../../shared/ports/uploads.ts';
import { Failure, fail } from '../../shared/schema/failure.ts';
import { type ImportRun, type ImportSpec, importRun } from '../../shared/schema/import.ts';
import { activity } from '../activity.ts';
import type { Call, Handler } from '../call.ts';
import type { Deps } from '../deps.ts';
import { frozen } from '../import/frozen.ts';
import { takenBy, taking } from '../import/label.ts';
import { hasEnded, importAt } from '../import/run.ts';
import { arranged } from '../list.ts';
import { everyIn } from '../pipeline/authorize.ts';
import { brokenRules } from '../pipeline/problem.ts';

const shownImport = (run: ImportRun): ShownImport => {
  const { isPlanned, plan, parts, part, offset, normalizedTags, ...shown } = run;
  return shown;
};

const TYPES = { json: 'application/json', yaml: 'application/yaml' } as const;

/** The record of an import that waits for its document, and where that is sent to. Nothing is imported yet. */
const createImport: Handler = async (call, deps) => {
  const spec = call.body as ImportSpec;
  const takesDocument = spec.mode !== 'Remove';
  if (takesDocument && spec.size === undefined) {
    throw brokenRules([{ path: ['size'], message: 'it is required: the bytes of the document' }]);
  }
  const now = deps.clock.now();
  const run: ImportRun = {
    ...newObject('import', importRun.input.parse({ name: spec.name, spec }), {
      id: newObjectId(now, size => deps.clock.randomBytes(size)),
      namespace: call.namespace,
      now,
    }),
    label: spec.label,
    claims: [...call.caller.claims],
  };
  await deps.store.commit([
    { kind: 'require', namespace: call.namespace },
    { kind: 'create', resource: 'import', object: run },
    activity('import', 'create', call, deps, { after: run }),
  ]);
  const body: CreatedImport = shownImport(run);
  if (!takesDocument || call.dryRun) return { body };
  const upload = await deps.uploads.place(`${UPLOADS}${run.ID}`, {
    size: spec.size ?? 0,
    contentType: TYPES[spec.format],
  });
  return { body: { ...body, upload } };
};

async function runOf(call: Call, deps: Deps): Promise<ImportRun> {
  const { namespace, params } = call;
  const run = await importAt({ namespace, ID: (params.id ?? '') as ImportRun['ID'] }, deps);
  if (run) return run;
  throw fail('not_found', `no import with the ID \`${params.id}\` in ${namespace}`);
}

/** Newest first. */
const LISTED = { identity: 'import', stored: ShownImport, defaultOrder: '-ID' };

const listImports: Handler = async (call, deps) =>
  arranged((await everyIn(deps.store, 'import', call.namespace)).map(shownImport), LISTED, call, deps);

const getImport: Handler = async (call, deps) => ({ body: shownImport(await runOf(call, deps)) });

/** Does what takes the label; while another import has it, that one is named. */
async function alone(run: ImportRun, deps: Deps, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Failure && error.kind === 'duplicate')) throw error;
    const { label } = run.spec;
    const ended = fail(
      'conflict',
      `an import with the label \`${label}\` has just ended; start this one again`,
    );
    throw (await takenBy(run.namespace, label, deps)) ?? ended;
  }
}

/** Whoever starts it lends it their rights, as they are now. Started again, it goes on as it was started. */
const startImport: Handler = async (call, deps) => {
  const before = await runOf(call, deps);
  if (before.status !== 'Uploading') return { body: shownImport(before) };
  const now = deps.clock.now();
  const after = touch(
    'import',
    {
      ...before,
      status: 'Queued' as const,
      claims: [...call.caller.claims],
      startTime: now.toISOString(),
    },
    now,
  );
  await alone(before, deps, () =>
    deps.store.commit([
      { kind: 'update', resource: 'import', object: after, seen: before.updateTime },
      { kind: 'create', resource: 'importrights', object: frozen(before, call, now) },
      ...taking(before, before.spec.label, now),
      activity('import', 'update', call, deps, { before, after }),
    ]),
  );
  return { body: shownImport(after) };
};

const cancelImport: Handler = async (call, deps) => {
  const before = await runOf(call, deps);
  if (hasEnded(before)) throw fail('conflict', `the import has ended: it is ${before.status}`);
  const now = deps.clock.now();
  const waits = before.status === 'Uploading';
  const after = touch(
    'import',
    {
      ...before,
      wanted: 'Cancel' as const,
      ...(waits
        ? {
            status: 'Cancelled' as const,
            reason: 'it was cancelled; nothing was applied',
            endTime: now.toISOString(),
          }
        : {}),
    },
    now,
  );
  await deps.store.commit([
    { kind: 'update', resource: 'import', object: after, seen: before.updateTime },
    activity('import', 'update', call, deps, { before, after }),
  ]);
  return { body: shownImport(after) };
};

export const largeImports = { createImport, listImports, getImport, startImport, cancelImport };
