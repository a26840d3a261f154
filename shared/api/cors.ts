/** What browsers are told that ask from another origin, by API Gateway and by the one-process build alike. */
export const CORS = {
  /** Headers that a request may carry. */
  allowed: [
    'authorization',
    'content-type',
    'idempotency-key',
    'x-external-tracking-id',
    'x-external-tracking-type',
    'x-fields',
    'x-namespace',
    'x-read-consistency',
    'x-write-consistency',
  ],
  /** Headers of an answer that a page may read. */
  exposed: ['x-count-total', 'x-messages', 'x-next', 'x-request-id'],
  methods: ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'],
  /** Seconds for which a browser may remember it. */
  maxAge: 3600,
} as const;
