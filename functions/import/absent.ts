import type { ImportFinding, ImportRequest } from '../../shared/api/messages.ts';
import { whyAbsent } from '../../shared/core/absent.ts';

type Data = ImportRequest['data']['data'];

/** What is said of an object of a resource that does not exist here; undefined for any other. */
export function absence(
  plural: string,
  index: number,
  { name }: Data[string][number],
): ImportFinding | undefined {
  const why = whyAbsent(plural);
  return why === undefined
    ? undefined
    : {
        at: `data.${plural}[${index}]`,
        name: typeof name === 'string' ? name : '',
        message: `it was left out: ${why}`,
      };
}

/**
 * What an import takes of a file. The original's exports name every resource, with an empty list where there is nothing; and
 * what does not exist here is left out, each object with a finding.
 */
export function withoutAbsent(data: Data): { data: Data; findings: ImportFinding[] } {
  const findings = Object.entries(data).flatMap(([plural, objects]) =>
    objects.flatMap((object, index) => absence(plural, index, object) ?? []),
  );
  const taken = Object.entries(data).filter(
    ([plural, objects]) => objects.length > 0 && whyAbsent(plural) === undefined,
  );
  return { data: Object.fromEntries(taken), findings };
}
