import { z } from 'zod';
import { UPLOADS } from '../../shared/ports/uploads.ts';
import { Failure, fail } from '../../shared/schema/failure.ts';
import { NamespacePath, ObjectId } from '../../shared/schema/ids.ts';
import { IMPORT_LIMITS, type ImportRun } from '../../shared/schema/import.ts';
import { type Document, readDocument } from '../import/document/read.ts';
import { errorsOf, isPassing } from '../import/errors.ts';
import { takenBy, taking } from '../import/label.ts';
import { putPart } from '../import/parts.ts';
import { planned } from '../import/plan.ts';
import { advance, hasEnded, importAt } from '../import/run.ts';
import { Called, type TaskDeps, task } from './task.ts';

/** Which import. */
export const OfImport = { ...Called, namespace: NamespacePath, ID: ObjectId };

/** Which import, and how often the state machine has tried again; executions that began before it said so do not. */
export const Tried = z.strictObject({ ...OfImport, tries: z.int().min(0).default(0) });

/** What comes next, for the state machine. */
export interface Next {
  next: 'validate' | 'apply' | 'finish';
}
export const FINISH: Next = { next: 'finish' };

const EMPTY: Document = { head: { APIVersion: 1, label: '', identities: [] }, pieces: [] };

/** No more than was agreed on, whatever lies there. */
async function* bounded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > IMPORT_LIMITS.bytes)
      throw fail('too_large', `the document has more than ${IMPORT_LIMITS.bytes} bytes`);
    yield chunk;
  }
}

async function documentOf({ ID, spec }: ImportRun, { bucket }: TaskDeps): Promise<Document> {
  if (spec.mode === 'Remove') return EMPTY;
  const chunks = await bucket.read(`${UPLOADS}${ID}`);
  if (chunks) return readDocument(bounded(chunks), spec.format);
  throw fail('invalid', 'no document was uploaded; send it to the URL that POST /imports gave, then start');
}

/** What was planned, as it is kept with the import. */
async function planOf(run: ImportRun, deps: TaskDeps): Promise<Partial<ImportRun>> {
  const { spec, namespace, ID } = run;
  // A plan of its own for each call: one that was overtaken leaves the parts alone that count.
  const plan = Buffer.from(deps.clock.randomBytes(6)).toString('hex');
  const { head, pieces } = await documentOf(run, deps);
  const said = spec.label || head.label;
  const removesMissing = spec.deleteMissing || spec.mode === 'Remove';
  if (said === '' && removesMissing) {
    throw fail('invalid', 'a label is required to remove anything: it says whose objects go', {
      attribute: 'label',
    });
  }
  const label = said || `import-${ID}`;
  const { total, parts, errors, absent } = await planned({
    home: namespace,
    label,
    pieces,
    removesMissing,
    store: deps.store,
    put: (part, number) => putPart(deps.bucket, { ID, plan }, number, part),
  });
  const findings = absent.slice(0, IMPORT_LIMITS.findings);
  const moreFindings = absent.length - findings.length;
  const leftOut = absent.length;
  return { plan, label, total, parts, errors, failed: errors.length, findings, moreFindings, leftOut };
}

/** A plan that is refused before anything is looked at. */
const refused = (failure: Failure): Partial<ImportRun> => ({
  errors: errorsOf(failure, ''),
  failed: 0,
  parts: 0,
});

/** Writes the plan, and with it takes the label that only the document says. False while another import has that. */
async function kept(run: ImportRun, plan: Partial<ImportRun>, deps: TaskDeps): Promise<boolean> {
  const isRefused = plan.errors !== undefined && plan.errors.length > 0;
  const label = run.spec.label === '' && !isRefused ? (plan.label ?? '') : '';
  const change = { ...plan, isPlanned: true, status: 'Validating' } as const;
  try {
    await advance(run, change, deps, taking(run, label, deps.clock.now()));
  } catch (error) {
    if (!(error instanceof Failure && error.kind === 'duplicate')) throw error;
    const taken = await takenBy(run.namespace, label, deps);
    // Given back in this very moment: the state machine tries again.
    if (!taken) throw fail('unavailable', `the label \`${label}\` was taken`);
    await advance(run, { ...change, ...refused(taken) }, deps);
    return false;
  }
  return !isRefused;
}

/** Reads the document, finds what each of its objects means of what is there, and puts all of it into parts. */
export const planImport = task(Tried, async ({ tries, ...input }, deps): Promise<Next> => {
  const run = await importAt(input, deps);
  if (!run || hasEnded(run) || run.wanted === 'Cancel') return FINISH;
  if (run.isPlanned) return { next: run.status === 'Applying' ? 'apply' : 'validate' };
  let plan: Partial<ImportRun>;
  try {
    plan = await planOf(run, deps);
  } catch (error) {
    if (!(error instanceof Failure) || isPassing(error, tries)) throw error;
    plan = refused(error);
  }
  return (await kept(run, plan, deps)) ? { next: 'validate' } : FINISH;
});
