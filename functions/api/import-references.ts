import type { ImportReport, ImportRequest } from '../../shared/api/messages.ts';
import { fail } from '../../shared/schema/failure.ts';
import { tenantOf } from '../../shared/schema/ids.ts';
import type { ImportReference } from '../../shared/schema/importreference.ts';
import type { Call, Handler, Reply } from '../call.ts';
import { crud, type Hooks, insert, prepare } from '../crud.ts';
import type { Deps } from '../deps.ts';
import { asFields } from '../input.ts';
import { brokenRules } from '../pipeline/problem.ts';
import { rehearsing } from '../pipeline/rehearse.ts';

/** `POST /import` with this body, as the caller of the reference. */
export type RunImport = (body: ImportRequest, call: Call, deps: Deps) => Promise<Reply>;

/** A label that another reference has, where one of the two wants it for itself. */
async function refuseTaken(
  label: string,
  asked: ImportReference['constraint'],
  call: Call,
  deps: Deps,
): Promise<void> {
  if (label === '') return;
  const others = await deps.store.findBy('importreference', tenantOf(call.namespace), 'label', label);
  const isApart = (constraint: ImportReference['constraint'], other: ImportReference): boolean =>
    constraint === 'Unrestricted' || (constraint === 'NamespaceUnique' && other.namespace !== call.namespace);
  const taken = others.find(other => !isApart(asked, other) || !isApart(other.constraint, other));
  if (taken) {
    const message = `import reference \`${taken.name}\` in ${taken.namespace} has it; choose another, or change that one`;
    throw brokenRules([{ path: ['label'], input: label, message }]);
  }
}

const hooks: Hooks<'importreference'> = {
  complete: (object, call) => {
    object.claims = [...call.caller.claims];
    if (object.label === '') object.label = `reference-${object.ID}`;
  },
};

const told = ({ created, updated, unchanged, removed, findings }: ImportReport): string[] => [
  `imported: ${created} created, ${updated} updated, ${unchanged} unchanged, ${removed} removed`,
  ...findings.map(({ at, name, message }) => `${at} \`${name}\`: ${message}`),
];

const bodyOf = ({ data, label }: ImportReference, mode: ImportRequest['mode']): ImportRequest => ({
  data: { ...data, label },
  mode,
  deleteMissing: mode !== 'Remove',
});

/**
 * References to imports: an import and the object that stands for it. The import goes first and is found again by its
 * label, so that a request that died in between is repeated and changes nothing twice.
 */
export function importReferences(run: RunImport) {
  const {
    createImportreference: _,
    updateImportreference,
    patchImportreference,
    deleteImportreference,
    ...reading
  } = crud('importreference', hooks);

  const reported = async (
    reference: ImportReference,
    mode: ImportRequest['mode'],
    call: Call,
    deps: Deps,
  ) => {
    if (call.dryRun) return [];
    const { body, messages = [] } = await run(bodyOf(reference, mode), call, deps);
    return [...told(body as ImportReport), ...messages];
  };

  const createImportreference: Handler = async (call, deps) => {
    const object = await prepare('importreference', asFields(call.body), call, deps, hooks);
    await refuseTaken(object.label, object.constraint, call, deps);
    const messages = await reported(object, 'Import', call, deps);
    return insert('importreference', object, call, deps, messages);
  };

  /** What is no longer in the data goes. */
  const changed =
    (change: Handler): Handler =>
    async (call, deps) => {
      const rehearsed = await change({ ...call, dryRun: true }, rehearsing(deps));
      const messages = await reported(rehearsed.body as ImportReference, 'Import', call, deps);
      const reply = await change(call, deps);
      return { ...reply, messages: [...(reply.messages ?? []), ...messages] };
    };

  const remove: Handler = async (call, deps) => {
    const reference = call.target as ImportReference | undefined;
    if (!reference) {
      throw fail('not_found', `no importreference with the ID \`${call.params.id}\` in ${call.namespace}`);
    }
    if (reference.protected && call.query.override === undefined) return deleteImportreference(call, deps);
    const messages = await reported(reference, 'Remove', call, deps);
    const reply = await deleteImportreference(call, deps);
    return { ...reply, messages: [...(reply.messages ?? []), ...messages] };
  };

  return {
    ...reading,
    createImportreference,
    updateImportreference: changed(updateImportreference),
    patchImportreference: changed(patchImportreference),
    deleteImportreference: remove,
  };
}
