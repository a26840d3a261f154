import { Failure } from '../../schema/failure.ts';
import { mistake } from '../filter/mistake.ts';

/** What is said of a filter, said of a query. */
const renamed = (failure: Failure): Failure =>
  new Failure(
    failure.kind,
    failure.details.map(({ description, data }) => ({
      description: description.replace(/^filter q, /, 'query, '),
      data: { ...data, attribute: 'query' },
    })),
  );

/** A refusal that points into the query. */
export const queryMistake = (text: string, at: number, what: string): Failure =>
  renamed(mistake(text, at, what));

/** Lets the filter language look at a query: what it finds wrong is told of the query. */
export function ofQuery<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof Failure && error.details.some(({ data }) => data?.attribute === 'q')
      ? renamed(error)
      : error;
  }
}
