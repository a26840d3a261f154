/**
 * Everything that can be refused, and the HTTP status it leaves with. Closed: what is not here is a bug and leaves
 * as a bare 500. Titles are the original's where it has them.
 */
export const FAILURES = {
  bad_request: { code: 400, title: 'Bad Request' },
  unauthorized: { code: 401, title: 'Unauthorized' },
  forbidden: { code: 403, title: 'Forbidden' },
  not_found: { code: 404, title: 'Not Found' },
  not_allowed: { code: 405, title: 'Operation Not Supported' },
  conflict: { code: 409, title: 'Conflict' },
  too_large: { code: 413, title: 'Payload Too Large' },
  unsupported_media_type: { code: 415, title: 'Unsupported Media Type' },
  quota_exhausted: { code: 417, title: 'Token Quota Exhausted' },
  invalid: { code: 422, title: 'Validation Error' },
  duplicate: { code: 422, title: 'Duplicate Key' },
  // Not 423: the original's clients take that for an API that is locked for a while, and try again for ever.
  locked: { code: 409, title: 'Locked' },
  too_many_requests: { code: 429, title: 'Too Many Requests' },
  unavailable: { code: 503, title: 'Service Unavailable' },
} as const;

export type FailureKind = keyof typeof FAILURES;

/** One entry of an error body. `data.attribute` names what was wrong, where one attribute was. */
export interface FailureDetail {
  description: string;
  /** `attribute`, and for wrong values `value`. */
  data?: Record<string, unknown>;
}

/** The only error that handlers, ports and tasks throw on purpose. */
export class Failure extends Error {
  readonly kind: FailureKind;
  readonly details: readonly FailureDetail[];
  constructor(kind: FailureKind, details: readonly FailureDetail[]) {
    super(details.map(detail => detail.description).join('; '));
    this.name = 'Failure';
    this.kind = kind;
    this.details = details;
  }
}

/** `throw fail('not_found', 'no namespace `/a/b`')`: what was wrong, with which value, and what to do. */
export const fail = (kind: FailureKind, description: string, data?: Record<string, unknown>): Failure =>
  new Failure(kind, [data ? { description, data } : { description }]);
