import { z } from 'zod';
import { LIMITS } from '../schema/config.ts';
import { FlowReport, FlowReportInput } from '../schema/flowreport.ts';
import { READ, WRITE } from './fails.ts';
import type { Route } from './route.ts';

/** Most records of one request. */
const MOST = 10_000;

export const FlowReceipt = z.object({
  accepted: z
    .int()
    .min(1)
    .describe('Records of the request. All are durable; those that were sent before count once.'),
});
export type FlowReceipt = z.infer<typeof FlowReceipt>;

/** One record is a batch of one. */
const Batch = z
  .preprocess(sent => (Array.isArray(sent) ? sent : [sent]), z.array(FlowReportInput).min(1).max(MOST))
  .describe('One record or an array of them.');

/** What enforcers report of the traffic that they saw. */
export const flowRoutes = {
  createFlowReports: {
    method: 'POST',
    path: '/flowreports',
    group: 'flows',
    summary: 'Takes one flow record or a batch of them, all or none; a record that comes twice counts once.',
    allow: { identity: 'flowreport', verb: 'post' },
    input: Batch,
    largest: LIMITS.batchBody,
    ok: FlowReceipt,
    fails: [...WRITE, 'unavailable'],
  },
  listFlowReports: {
    method: 'GET',
    path: '/flowreports',
    group: 'flows',
    summary: 'Lists flow records of a window of time, newest first, page by page.',
    allow: { identity: 'flowreport', verb: 'get' },
    takes: [
      'startAbsolute',
      'endAbsolute',
      'startRelative',
      'endRelative',
      'recursive',
      'limit',
      'after',
      'pagesize',
    ],
    ok: z.array(FlowReport),
    fails: [...READ, 'invalid', 'unavailable'],
  },
} as const satisfies Record<string, Route>;
