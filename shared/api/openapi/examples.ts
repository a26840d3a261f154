import type { Operation } from '../routes.ts';

/** One request that was made, with the answer that it got. Together they are a story: each finds what those before made. */
export interface Example {
  operation: Operation;
  /** Unique among the examples of the operation. */
  name: string;
  summary: string;
  /** With path parameters and query filled in. */
  path: string;
  /** Beside those of media and authorization. */
  headers: Readonly<Record<string, string>>;
  body?: unknown;
  status: number;
  answer?: unknown;
}
