import type { ImportRequest } from '../../shared/api/messages.ts';
import { fail } from '../../shared/schema/failure.ts';
import type { Handler } from '../call.ts';
import { withoutAbsent } from '../import/absent.ts';
import { applyGroup, runOf } from '../import/apply.ts';
import { entriesOf } from '../import/entries.ts';
import { takenBy } from '../import/label.ts';
import { nouns } from '../import/nouns.ts';
import { removeLabelled } from '../import/remove.ts';
import { importReferences, type RunImport } from './import-references.ts';

/**
 * Applies the objects of each namespace, parents before children. A namespace whose objects do not all pass is left as
 * it is; what was applied in others stays and is said. The same import under the same label goes on where it stopped.
 */
const runImport: RunImport = async ({ data, mode, deleteMissing }, call, deps) => {
  if (data.label === '' && (mode === 'Remove' || deleteMissing)) {
    throw fail('invalid', "Attribute 'data.label' is required to remove anything: it says whose objects go", {
      attribute: 'data.label',
    });
  }
  const beside = await takenBy(call.namespace, data.label, deps);
  if (beside) throw beside;
  const run = runOf(call, deps, nouns, data.label || `import-${call.requestID}`);
  const { data: taken, findings } = withoutAbsent(mode === 'Remove' ? {} : data.data);
  run.report.findings.push(...findings);
  const groups = entriesOf(taken, call.namespace);
  for (const group of groups) await applyGroup(group, run);
  if (mode === 'Remove' || deleteMissing) await removeLabelled(run);
  return { body: run.report, messages: [...run.warnings] };
};

const importObjects: Handler = (call, deps) => runImport(call.body as ImportRequest, call, deps);

export const imports = { import: importObjects, ...importReferences(runImport) };
