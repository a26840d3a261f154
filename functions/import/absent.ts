import type { ImportFinding, ImportRequest } from '../../shared/api/messages.ts';
import { whyAbsent } from '../../shared/core/absent.ts';

type Data = ImportRequest['data']['data'];

/**
 * What an import takes of a file. The original's exports name every resource, with an empty list where there is nothing; and
 * what does not exist here is left out, each object with a finding.
 */
export function withoutAbsent(data: Data): { data: Data; findings: ImportFinding[] } {
  const findings = Object.entries(data).flatMap(([plural, objects]) => {
    const why = whyAbsent(plural);
    return objects.flatMap((object, index) =>
      why === undefined
        ? []
        : [
            {
              at: `data.${plural}[${index}]`,
              name: typeof object.name === 'string' ? object.name : '',
              message: `it was left out: ${why}`,
            },
          ],
    );
  });
  const taken = Object.entries(data).filter(
    ([plural, objects]) => objects.length > 0 && whyAbsent(plural) === undefined,
  );
  return { data: Object.fromEntries(taken), findings };
}
