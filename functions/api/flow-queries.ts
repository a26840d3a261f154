import type { Reports, ReportsQuery, Search, SearchAnswer } from '../../shared/api/flow-query-routes.ts';
import { compileFilters, type Predicate } from '../../shared/core/filter/compile.ts';
import { parseFilters } from '../../shared/core/filter/parse.ts';
import { meaningOf } from '../../shared/core/rql/meaning.ts';
import { readQuery } from '../../shared/core/rql/read.ts';
import type { TimeWindow } from '../../shared/core/time-window.ts';
import type { FlowQuery } from '../../shared/ports/flow-store.ts';
import { fail } from '../../shared/schema/failure.ts';
import { FlowReport } from '../../shared/schema/flowreport.ts';
import type { Call, Handler } from '../call.ts';
import type { Deps } from '../deps.ts';
import { listParameters } from '../list-parameters.ts';
import { brokenRules } from '../pipeline/problem.ts';
import { windowOf } from '../window.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const UNITS = { minute: MINUTE, hour: HOUR, day: DAY, week: 7 * DAY, month: 30 * DAY, year: 365 * DAY };

/** Records that a query looks at: so many are read well within the time of a request. */
const MOST = 500_000;

/** It counts, it does not measure time, so that the same query over the same records is refused everywhere or nowhere. */
export function atMost(passes: Predicate): Predicate {
  let seen = 0;
  return report => {
    seen += 1;
    if (seen <= MOST) return passes(report);
    throw fail(
      'bad_request',
      `there are more than ${MOST} records to look at; ask for a shorter window of time, or in a namespace below`,
    );
  };
}

/** Which records `q` lets pass. */
export function passesOf({ query }: Call, { clock }: Pick<Deps, 'clock'>): Predicate {
  const filters = parseFilters(query.q ?? []);
  const flowreport = { identity: 'flowreport', stored: FlowReport };
  return filters.length === 0 ? () => true : compileFilters(filters, flowreport, clock.now());
}

/** The window that parameters say; the last hour where they say none. */
export function windowOrLastHour(call: Call, deps: Pick<Deps, 'clock'>): TimeWindow {
  const said = windowOf(call, deps);
  return said.from === undefined && said.to === undefined ? lastHour(deps) : said;
}

const lastHour = ({ clock }: Pick<Deps, 'clock'>): TimeWindow => ({
  from: new Date(clock.now().getTime() - HOUR).toISOString(),
});

const read = async ({ namespace }: Call, query: FlowQuery, { flows }: Pick<Deps, 'flows'>) => {
  const { items, next } = await flows.read(namespace, query);
  return { items: { flowReports: [...items] } satisfies Reports, next };
};

/** Records come newest first, whatever is asked: what else could be asked for is refused. */
function refuseOrder({ query: { order = [] } }: Call): void {
  const other = order.find(name => name.toLowerCase() !== '-timestamp');
  if (other === undefined) return;
  throw fail('bad_request', `records come newest first: order can be -timestamp alone, not \`${other}\``);
}

const createReportsQuery: Handler = async (call, deps) => {
  const { report } = call.body as ReportsQuery;
  if (report !== 'Flows') {
    const message = 'agents report flows alone here; ask for Flows';
    throw brokenRules([{ path: ['report'], input: report, message }]);
  }
  refuseOrder(call);
  const { after, limit, pagesize, recursive } = listParameters(call);
  const query: FlowQuery = {
    ...windowOrLastHour(call, deps),
    recursive,
    limit: limit ?? (pagesize || 100),
    ...(after === undefined ? {} : { after }),
    passes: atMost(passesOf(call, deps)),
  };
  const { items, next } = await read(call, query, deps);
  return { body: items, ...(next === undefined ? {} : { next }) };
};

const at = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** The window of time that a search says: as parameters, as all reports are asked for, or in one of its own ways. */
function searchedIn(call: Call, deps: Pick<Deps, 'clock'>): TimeWindow {
  const { timeRange, startAbsolute, endAbsolute } = call.body as Search;
  const said = windowOf(call, deps);
  if (said.from !== undefined || said.to !== undefined) return said;
  if (timeRange === undefined) {
    if (startAbsolute === undefined && endAbsolute === undefined) return lastHour(deps);
    return {
      ...(startAbsolute === undefined ? {} : { from: at(startAbsolute) }),
      ...(endAbsolute === undefined ? {} : { to: at(endAbsolute) }),
    };
  }
  if (startAbsolute !== undefined || endAbsolute !== undefined) {
    throw fail(
      'bad_request',
      'timeRange and startAbsolute or endAbsolute exclude each other; send one of them',
    );
  }
  if (timeRange.type === 'absolute') {
    const { startTime, endTime } = timeRange.value;
    return { from: at(startTime), to: at(endTime) };
  }
  const { amount, unit } = timeRange.value;
  return { from: at(Math.max(0, deps.clock.now().getTime() - amount * UNITS[unit])) };
}

const createCnssearch: Handler = async (call, deps) => {
  const { query: text, limit, pageToken } = call.body as Search;
  const passes = meaningOf(readQuery(text), deps.clock.now());
  const { recursive } = listParameters(call);
  const query: FlowQuery = {
    ...searchedIn(call, deps),
    recursive,
    limit,
    ...(pageToken === undefined ? {} : { after: pageToken }),
    passes: atMost(passes),
  };
  const { items, next } = await read(call, query, deps);
  const data = {
    items,
    totalRows: items.flowReports.length,
    ...(next === undefined ? {} : { nextPageToken: next }),
  };
  return { body: { query: text, limit, data } satisfies SearchAnswer };
};

export const flowQueries = { createReportsQuery, createCnssearch };
