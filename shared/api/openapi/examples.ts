import type { Operation } from '../routes.ts';

/** One request that was made, with the answer that it got. */
export interface Example {
  /** Order in which the examples are a story: each finds what those before it made. */
  step: number;
  operation: Operation;
  summary: string;
  /** With path parameters and query filled in. */
  path: string;
  /** Beside those of media and authorization. */
  headers: Readonly<Record<string, string>>;
  body?: unknown;
  status: number;
  answer?: unknown;
}

/** Names of examples of one operation: their steps. */
export const exampleName = ({ step }: Example): string => `step-${step}`;
