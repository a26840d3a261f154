import type { z } from 'zod';
import type { ErrorBody } from '../../shared/api/messages.ts';
import { FAILURES, Failure, type FailureDetail } from '../../shared/schema/failure.ts';
import type { RuleIssue } from '../../shared/schema/resource.ts';

const SUBJECT = 'microseg';

/** A value as it may stand in a message: short, one line. */
const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
};

const at = (path: readonly PropertyKey[]): string =>
  path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : index ? `.${String(part)}` : String(part),
    )
    .join('');

const valueAt = (root: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, part) => (value !== null && typeof value === 'object' ? Reflect.get(value, part) : undefined),
    root,
  );

const detail = (path: readonly PropertyKey[], value: unknown, message: string): FailureDetail => ({
  description: `${path.length === 0 ? 'The body' : `Attribute '${at(path)}'`} ${message}${value === undefined ? '' : `; the value was ${shown(value)}`}`,
  data: { attribute: at(path), ...(value === undefined ? {} : { value }) },
});

const KINDS: Readonly<Record<string, string>> = { string: 'characters', array: 'entries', object: 'names' };
const TYPES: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'a text',
};

const sizeOf = (value: unknown): number =>
  typeof value === 'string' || Array.isArray(value) ? value.length : Object.keys(value ?? {}).length;

/** What is wrong in words that say what to do, where the schema left it to the library; else what the schema says. */
export function plainly(issue: z.core.$ZodIssue, value: unknown): string {
  if (!/^(Too (big|small)|Invalid input)/.test(issue.message)) return issue.message;
  if (issue.code === 'invalid_type') return `it must be ${TYPES[issue.expected] ?? issue.expected}`;
  if (issue.code !== 'too_big' && issue.code !== 'too_small') return issue.message;
  const [bound, most] = issue.code === 'too_big' ? [issue.maximum, 'at most'] : [issue.minimum, 'at least'];
  const kind = KINDS[issue.origin];
  if (kind === undefined) return `it must be ${most} ${bound}`;
  const size = sizeOf(value);
  return size === 0 && issue.code === 'too_small'
    ? 'it must not be empty'
    : `it has ${size} ${kind}; ${most} ${bound} are possible`;
}

function fromZod(issue: z.core.$ZodIssue, root: unknown): FailureDetail[] {
  const value = valueAt(root, issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys
      .slice(0, MOST + 1)
      .map(key =>
        detail(
          [...issue.path, key],
          valueAt(value, [key]),
          'is unknown here; check its spelling or leave it out',
        ),
      );
  }
  if (issue.code === 'invalid_type' && value === undefined) {
    return [
      { description: `Attribute '${at(issue.path)}' is required`, data: { attribute: at(issue.path) } },
    ];
  }
  if (issue.code === 'invalid_value') {
    return [detail(issue.path, value, `must be one of ${issue.values.map(shown).join(', ')}`)];
  }
  // Of several shapes that it could have, the last is the one that says most.
  const [nested] =
    issue.code === 'invalid_union' && issue.message === 'Invalid input' ? (issue.errors.at(-1) ?? []) : [];
  if (nested) return fromZod({ ...nested, path: [...issue.path, ...nested.path] }, root);
  return [detail(issue.path, value, `is wrong: ${plainly(issue, value)}`)];
}

/** Entries of one refusal. A small body can have more mistakes than an answer has room for. */
const MOST = 100;

/** The first ones, and how many there are beside them. */
function bounded<T>(issues: readonly T[], of: (issue: T) => FailureDetail[]): FailureDetail[] {
  const details: FailureDetail[] = [];
  for (const issue of issues) {
    if (details.length >= MOST) break;
    details.push(...of(issue));
  }
  if (details.length <= MOST && issues.length <= MOST) return details;
  return [
    ...details.slice(0, MOST),
    { description: `more is wrong than these ${MOST} entries say; mend them and send it again` },
  ];
}

/** What a schema found wrong, each entry with its attribute, its value and the remedy. */
export const invalid = (error: z.ZodError, root: unknown): Failure =>
  new Failure(
    'invalid',
    bounded(error.issues, issue => fromZod(issue, root)),
  );

export const brokenRules = (issues: readonly RuleIssue[]): Failure =>
  new Failure(
    'invalid',
    bounded(issues, issue => [detail(issue.path, issue.input, `is wrong: ${issue.message}`)]),
  );

/** Parses or throws `invalid`. */
export function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success) throw invalid(result.error, value);
  return result.data;
}

/** The original's error body. Anything that was not thrown on purpose says nothing but its trace. */
export function problem(error: unknown, trace: string): { code: number; body: ErrorBody[] } {
  if (!(error instanceof Failure)) {
    return {
      code: 500,
      body: [
        {
          code: 500,
          title: 'Internal Server Error',
          description: `something went wrong here; give the trace ${trace} to whoever runs this API`,
          subject: SUBJECT,
          trace,
        },
      ],
    };
  }
  const { code, title } = FAILURES[error.kind];
  return { code, body: error.details.map(entry => ({ code, title, ...entry, subject: SUBJECT, trace })) };
}
