import { z } from 'zod';
import { FlowReport } from '../schema/flowreport.ts';
import { NamespacePath, Timestamp } from '../schema/ids.ts';
import { processingunit } from '../schema/processingunit.ts';
import { READ } from './fails.ts';
import { WINDOW } from './flow-query-routes.ts';
import type { Route } from './route.ts';

const Flows = z.int().min(0);
const EndType = FlowReport.shape.sourceType;
const Place = z.union([z.literal(''), NamespacePath]);
const { operationalStatus, enforcementStatus } = processingunit.writable;

/** Of processing units, each flow counts once, whether one of its ends reported it or both did. */
const counts = {
  acceptedFlows: Flows.describe('Flows that every end let through, as far as it is known.'),
  rejectedFlows: Flows.describe('Flows that one of the ends rejected.'),
  observedAcceptedFlows: Flows.describe('Flows that rules which only observe would have let through.'),
  observedRejectedFlows: Flows.describe('Flows that rules which only observe would have rejected.'),
  acceptedByDefault: Flows.describe(
    'Of the accepted: those that no rule allows at one end at least. They end where the default action becomes Reject.',
  ),
  rejectedByDefault: Flows.describe('Of the rejected: those that no rule rejects.'),
};

export const MapNode = z.object({
  ID: z.string().describe('Of the object, as flow records have it; `somewhere` is what no network holds.'),
  type: EndType.describe('What it is.'),
  name: z.string().describe('Its name, or the one in flow records; empty where nothing names it.'),
  namespace: Place.describe('Where it lives; empty where it cannot be told.'),
  tags: z.array(z.string()).describe('All its tags.'),
  resolved: z
    .boolean()
    .describe(
      'The object itself was read. Else it is gone, or you may not read it: all that is told is what flow records hold.',
    ),
  status: operationalStatus.unwrap().optional().describe('What the enforcer says of the workload.'),
  enforcementStatus: enforcementStatus
    .unwrap()
    .optional()
    .describe('What the enforcer says of its data plane.'),
  groupID: z.string().describe('Innermost of the groups that it is in; empty: it is in none.'),
  unreachable: z.boolean().optional().describe('Its enforcer was not heard of.'),
});

export const MapEdge = z.object({
  ID: z.string().describe('`<source>-<destination>`; a `-` or `%` within them is percent-encoded.'),
  sourceID: z.string().describe('Node that connected.'),
  sourceType: EndType.describe('What it is.'),
  destinationID: z.string().describe('Node that was connected to.'),
  destinationType: EndType.describe('What it is.'),
  ...counts,
  encrypted: z.boolean().describe('All of it was encrypted.'),
  firstSeen: Timestamp.describe('Of the oldest record in the window.'),
  lastSeen: Timestamp.describe('Of the newest record in the window.'),
  accesses: z
    .array(
      z.object({
        protocolPort: z.string().describe('`tcp/443`, `icmp`.'),
        ...counts,
      }),
    )
    .describe('What was connected to: what was rejected first, then the most flows; 20 at most.'),
  accessesLeftOut: Flows.describe('Protocols and ports beside those.'),
  policies: z
    .array(
      z.object({
        policyID: z.string().describe('Policy that decided, or `default`.'),
        policyNamespace: NamespacePath.describe('Where it lives, or the default action was set.'),
        ruleName: z.string().describe('Name of the rule; may be empty.'),
        action: FlowReport.shape.action.describe('What it did.'),
        reporter: z
          .enum(['Source', 'Destination', 'Unknown'])
          .describe('At which end; `Unknown`: the records don’t say.'),
        flows: Flows.describe('As that end counted them.'),
      }),
    )
    .describe('What decided: what rejected first, then the most flows; 20 at most.'),
  policiesLeftOut: Flows.describe('Policies and rules beside those.'),
});

export const DependencyMap = z.object({
  from: Timestamp.optional().describe('Begin of the window; absent: there is none.'),
  to: Timestamp.optional().describe('End of the window; absent: now.'),
  records: Flows.describe('Flow records that it was made of.'),
  nodes: z.record(z.string(), MapNode).describe('By ID: the ends of the edges.'),
  edges: z.record(z.string(), MapEdge).describe('By ID.'),
  groups: z
    .record(
      z.string(),
      z.object({
        ID: z.string().describe('Made of `match`.'),
        name: z.string().describe('As the view names it, or of its tag.'),
        color: z.string().describe('As the view has it; may be empty.'),
        match: z.array(z.array(z.string())).describe('Tags of those around it and its own.'),
        parentID: z.string().describe('Group around it; empty: there is none.'),
      }),
    )
    .describe('By ID: what `view` asks for; none without it.'),
  leftOut: z
    .object({
      nodes: Flows.describe('Nodes that there was no room for.'),
      edges: Flows.describe('Edges that there was no room for.'),
    })
    .describe('What there is beside them. What was rejected stays longest, then what has the most flows.'),
});
export type DependencyMap = z.infer<typeof DependencyMap>;

/** Who talked to whom. */
export const mapRoutes = {
  listDependencyMaps: {
    method: 'GET',
    path: '/dependencymaps',
    group: 'flows',
    summary:
      'Gets who talked to whom in a window of time, the last hour unless said: a list of one map, made of flow records.',
    allow: { identity: 'dependencymap', verb: 'get' },
    takes: [...WINDOW, 'recursive', 'tag', 'view', 'q'],
    ok: z.array(DependencyMap),
    fails: [...READ, 'invalid', 'too_large', 'unavailable'],
  },
} as const satisfies Record<string, Route>;
