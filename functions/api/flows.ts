import type { FlowReceipt } from '../../shared/api/flow-routes.ts';
import { type Delivered, flowIssues, flowReport } from '../../shared/core/flowreport.ts';
import { fail } from '../../shared/schema/failure.ts';
import type { FlowReportInput } from '../../shared/schema/flowreport.ts';
import { ObjectId, tenantOf } from '../../shared/schema/ids.ts';
import type { Call, Handler } from '../call.ts';
import { listParameters } from '../list-parameters.ts';
import { brokenRules } from '../pipeline/problem.ts';
import { watchRejects } from '../upgrade-watch.ts';
import { windowOf } from '../window.ts';
import { noteSightings } from '../witnesses.ts';
import { dependencyMaps } from './dependency-maps.ts';
import { flowQueries } from './flow-queries.ts';

const SUBJECT = '@auth:subject=';

const subjectOf = ({ caller: { claims } }: Call): string =>
  claims.find(claim => claim.startsWith(SUBJECT))?.slice(SUBJECT.length) ?? '';

const enforcerIn = (call: Call): string | undefined =>
  call.caller.claims.includes('@auth:realm=enforcer') ? subjectOf(call) : undefined;

/** Things wrong with a batch that are told of. */
const TOLD = 20;

const createFlowReports: Handler = async (call, deps) => {
  const sent = call.body as FlowReportInput[];
  const { namespace } = call;
  const delivered: Delivered = {
    namespace,
    now: deps.clock.now(),
    enforcerID: enforcerIn(call),
    sender: subjectOf(call),
  };
  const issues = sent.flatMap((report, at) => flowIssues(report, at, delivered));
  if (issues.length > 0) throw brokenRules(issues.slice(0, TOLD));
  const reports = sent.map(report => flowReport(report, delivered));
  await deps.flows.append(tenantOf(namespace), reports);
  const { enforcerID } = delivered;
  if (enforcerID !== undefined) {
    await Promise.all([
      watchRejects(enforcerID, namespace, reports, deps),
      noteSightings({ ID: ObjectId.parse(enforcerID), namespace }, call.standing?.watches, reports, deps),
    ]);
  }
  return { body: { accepted: sent.length } satisfies FlowReceipt };
};

const FOREIGN = ['page', 'order', 'q', 'propagated'];

const listFlowReports: Handler = async (call, deps) => {
  const foreign = FOREIGN.find(name => call.query[name] !== undefined);
  if (foreign !== undefined) {
    throw fail(
      'bad_request',
      `query parameter ${foreign} means nothing here: records come newest first; use startAbsolute, endAbsolute, startRelative, endRelative, recursive, limit and after`,
    );
  }
  const { after, limit, pagesize, recursive } = listParameters(call);
  const page = await deps.flows.read(call.namespace, {
    ...windowOf(call, deps),
    recursive,
    limit: limit ?? (pagesize || 100),
    ...(after === undefined ? {} : { after }),
  });
  return { body: page.items, ...(page.next === undefined ? {} : { next: page.next }) };
};

export const flows = { createFlowReports, listFlowReports, ...flowQueries, ...dependencyMaps };
