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

/** Tries behind the first one after which a conflict is no race: what is there will not fit what was said. */
const CONFLICTS = 3;

/** What may be otherwise when it is tried again, so that the state machine does. `tries`: how often it has. */
export const isPassing = ({ kind }: Failure, tries: number): boolean =>
  kind === 'unavailable' || kind === 'too_many_requests' || (kind === 'conflict' && tries < CONFLICTS);
