import { ListParameters } from '../shared/api/routes.ts';
import { Failure, fail } from '../shared/schema/failure.ts';
import type { Call } from './call.ts';
import { plainly } from './pipeline/problem.ts';

/** As the original: a flag is set by being there, whatever its value, even `false`. */
const flag = (call: Call, name: string): boolean => call.query[name] !== undefined;

export function listParameters(call: Call): ListParameters {
  const one = (name: string) => {
    const values = call.query[name];
    if (values && values.length > 1) {
      throw fail('bad_request', `query parameter ${name} stands ${values.length} times; give it once`);
    }
    return values?.[0];
  };
  const sent = {
    page: one('page'),
    pagesize: one('pagesize'),
    after: one('after'),
    limit: one('limit'),
    order: call.query.order,
    recursive: flag(call, 'recursive'),
    propagated: flag(call, 'propagated'),
  };
  const read = ListParameters.safeParse(sent);
  if (!read.success) {
    throw new Failure(
      'bad_request',
      read.error.issues.map(({ path: [name = ''], ...issue }) => ({
        description: `query parameter ${String(name)} is \`${Reflect.get(sent, name)}\`: ${plainly({ ...issue, path: [] }, Reflect.get(sent, name))}`,
      })),
    );
  }
  const parameters = read.data;
  if (parameters.limit !== undefined && parameters.pagesize !== undefined) {
    throw fail(
      'bad_request',
      'limit and pagesize exclude each other; use limit with after, or pagesize with page',
    );
  }
  if (parameters.after !== undefined && parameters.page !== undefined) {
    throw fail(
      'bad_request',
      'after and page exclude each other; use limit with after, or pagesize with page',
    );
  }
  return parameters;
}
