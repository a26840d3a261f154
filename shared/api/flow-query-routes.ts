import { z } from 'zod';
import { FlowReport } from '../schema/flowreport.ts';
import { READ } from './fails.ts';
import type { Route } from './route.ts';

/** Kinds of reports that the original keeps. */
const Report = z.enum([
  'Flows',
  'Enforcers',
  'EventLogs',
  'Packets',
  'Counters',
  'DNSLookups',
  'ConnectionExceptions',
]);

/** No body is an empty one, as in the original's own example. */
export const ReportsQuery = z
  .preprocess(
    sent => sent ?? {},
    z.object({ report: Report.default('Flows').describe('What is asked for; there are flows alone.') }),
  )
  .describe('What is asked for.');
export type ReportsQuery = z.infer<typeof ReportsQuery>;

export const Reports = z.object({
  flowReports: z.array(FlowReport).describe('Newest first.'),
});
export type Reports = z.infer<typeof Reports>;

const Milliseconds = z.int().min(0).describe('Milliseconds since 1970.');

const UNITS = ['minute', 'hour', 'day', 'week', 'month', 'year'] as const;

/** The cloud console's: `{"type": "relative", "value": {"amount": 24, "unit": "hour"}}`. */
const TimeRange = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('relative').describe('Until now.'),
    value: z
      .object({
        amount: z.int().min(1).max(1000).describe('How many units.'),
        unit: z.enum(UNITS).describe('A month has 30 days, a year 365.'),
      })
      .describe('Since when.'),
  }),
  z.object({
    type: z.literal('absolute').describe('Between two moments.'),
    value: z
      .object({ startTime: Milliseconds, endTime: Milliseconds })
      .describe('From the first moment on and before the second one.'),
  }),
]);

export const Search = z.object({
  query: z
    .string()
    .min(1)
    .describe(
      "RQL: `network from microseg.flow_record where action = 'Reject' and destinationPort in (22, 3389)`.",
    ),
  limit: z.int().min(1).max(1000).default(100).describe('Most records of an answer.'),
  pageToken: z.string().max(1024).optional().describe('`nextPageToken` of the answer before.'),
  timeRange: TimeRange.optional().describe(
    'Window of time; absent, and without the two moments: the last hour.',
  ),
  startAbsolute: Milliseconds.optional(),
  endAbsolute: Milliseconds.optional(),
});
export type Search = z.infer<typeof Search>;

export const SearchAnswer = z.object({
  query: z.string().describe('As it was asked.'),
  limit: z.int().describe('As it was asked.'),
  data: z
    .object({
      items: Reports.describe('What was found.'),
      totalRows: z.int().describe('Records of this answer.'),
      nextPageToken: z.string().optional().describe('For the records behind these; absent: there are none.'),
    })
    .describe('The answer.'),
});
export type SearchAnswer = z.infer<typeof SearchAnswer>;

/** How a window of time is said. */
export const WINDOW = ['startAbsolute', 'endAbsolute', 'startRelative', 'endRelative'] as const;

/** Questions to what enforcers reported. */
export const flowQueryRoutes = {
  createReportsQuery: {
    method: 'POST',
    path: '/reportsqueries',
    group: 'flows',
    summary:
      'Finds flow records of a window of time, the last hour unless said, that pass a filter; newest first.',
    allow: { identity: 'reportsquery', verb: 'post' },
    readOnly: true,
    input: ReportsQuery,
    takes: [...WINDOW, 'recursive', 'limit', 'after', 'pagesize', 'order', 'q'],
    ok: Reports,
    fails: [...READ, 'invalid', 'unavailable'],
  },
  createCnssearch: {
    method: 'POST',
    path: '/cnssearches',
    group: 'flows',
    summary:
      'Finds flow records of a window of time, the last hour unless said, by a query in RQL; newest first.',
    allow: { identity: 'cnssearch', verb: 'post' },
    readOnly: true,
    input: Search,
    takes: [...WINDOW, 'recursive'],
    ok: SearchAnswer,
    fails: [...READ, 'invalid', 'unavailable'],
  },
} as const satisfies Record<string, Route>;
