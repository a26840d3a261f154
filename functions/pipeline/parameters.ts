import type { z } from 'zod';
import { Failure, fail } from '../../shared/schema/failure.ts';
import type { Call } from '../call.ts';
import { plainly } from './problem.ts';

/** The query parameters that an operation states for itself; others are left alone, as the original does. */
export function parametersOf<T>(schema: z.ZodObject & z.ZodType<T>, { query }: Pick<Call, 'query'>): T {
  const names = Object.keys(schema.shape);
  const twice = names.find(name => (query[name]?.length ?? 0) > 1);
  if (twice !== undefined) {
    throw fail('bad_request', `query parameter ${twice} stands ${query[twice]?.length} times; give it once`);
  }
  const sent = Object.fromEntries(
    names.flatMap(name => (query[name] === undefined ? [] : [[name, query[name][0]]])),
  );
  const read = schema.safeParse(sent);
  if (read.success) return read.data;
  throw new Failure(
    'bad_request',
    read.error.issues.map(({ path: [name = ''], ...issue }) => ({
      description: `query parameter ${String(name)} is \`${sent[String(name)] ?? ''}\`: ${plainly({ ...issue, path: [] }, sent[String(name)])}`,
      data: { attribute: String(name), value: sent[String(name)] ?? '' },
    })),
  );
}
