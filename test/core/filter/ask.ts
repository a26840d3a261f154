import { compileFilters } from '../../../shared/core/filter/compile.ts';
import { parseFilter } from '../../../shared/core/filter/parse.ts';
import { Failure } from '../../../shared/schema/failure.ts';
import { type Identity, resourceOf } from '../../../shared/schema/resources.ts';

export const NOW = new Date('2026-06-15T12:00:00.000Z');

/** Whether the object passes the filter; several texts are several `q`. */
export const passes = (identity: Identity, object: object, ...texts: string[]): boolean =>
  compileFilters(texts.map(parseFilter), resourceOf(identity), NOW)(object);

/** What the filter is refused with. */
export function refusal(identity: Identity, ...texts: string[]): string {
  try {
    passes(identity, {}, ...texts);
  } catch (error) {
    if (error instanceof Failure && error.kind === 'bad_request') return error.message;
    throw error;
  }
  throw new Error(`not refused: ${texts.join(' | ')}`);
}
