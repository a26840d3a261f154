import { FAILURES, type Failure } from '../../shared/schema/failure.ts';
import type { ImportError } from '../../shared/schema/import.ts';

/** Characters of a description that are kept. */
const LONGEST = 512;

/** What a failure says of the object at a place. */
export const errorsOf = ({ kind, details }: Failure, at: string): ImportError[] =>
  details.map(({ description }) => {
    const told = description.startsWith(`${at}: `) ? description.slice(at.length + 2) : description;
    return { at, title: FAILURES[kind].title, description: told.slice(0, LONGEST) };
  });

/** What may be otherwise when it is tried again. */
export const isPassing = ({ kind }: Failure): boolean =>
  kind === 'unavailable' || kind === 'too_many_requests' || kind === 'conflict';
