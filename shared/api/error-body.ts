import { z } from 'zod';

/** One entry of an error body, which is an array of them. */
export const ErrorBody = z.object({
  code: z.int().describe('HTTP status.'),
  title: z.string().describe('Kind of failure.'),
  description: z.string().describe('What was wrong, with which value, and what to do.'),
  subject: z.string().describe('`microseg`.'),
  data: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Of a wrong attribute: its name, `attribute`, and its `value`.'),
  trace: z.string().describe('`X-Request-Id` of the answer.'),
});
export type ErrorBody = z.infer<typeof ErrorBody>;
