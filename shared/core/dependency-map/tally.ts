import { fail } from '../../schema/failure.ts';
import type { FlowReport } from '../../schema/flowreport.ts';
import type { NamespacePath } from '../../schema/ids.ts';
import { type Counts, count, noCounts, type Reporter, reporterOf } from './counts.ts';

/** Flows of one protocol and port, as each end counted them. */
export interface AccessTally {
  /** Absent where the records don't say. */
  protocol?: number;
  port?: number;
  by: Partial<Record<Reporter, Counts>>;
}

/** What a policy decided at one end: numbers as that end counted them. */
export interface PolicyTally {
  policyID: string;
  policyNamespace: NamespacePath;
  ruleName: string;
  action: FlowReport['action'];
  reporter: Reporter;
  flows: number;
}

export interface EdgeTally {
  sourceID: string;
  destinationID: string;
  firstSeen: string;
  lastSeen: string;
  /** Every record says so. */
  encrypted: boolean;
  accesses: Map<string, AccessTally>;
  policies: Map<string, PolicyTally>;
}

type Type = FlowReport['sourceType'];

/** What records say of an end. */
export interface EndTally {
  ID: string;
  /** As the newest record says. */
  type: Type;
  /** As the newest record says that names it; empty: none does. */
  name: string;
  /** Where the records that name it say that it lives; of a network: which namespaces know it. */
  namespaces: Set<NamespacePath>;
  /** Places of the records that `type` and `name` are from. */
  typedAt: string;
  namedAt: string;
}

const keyOf = (...parts: readonly unknown[]): string => JSON.stringify(parts);

/** So many entries fit into the memory of a function. */
const MOST_ENTRIES = 300_000;

/** Flow records summed up by who talks to whom. Records may come in any order; what is kept grows with the ends and edges. */
export class FlowTally {
  readonly #most: number;
  readonly edges = new Map<string, EdgeTally>();
  readonly ends = new Map<string, EndTally>();
  records = 0;
  /** Edges, and the ports and policies of each: what the memory that it takes grows with. */
  #entries = 0;

  constructor(most = MOST_ENTRIES) {
    this.#most = most;
  }

  /**
   * Each record once.
   *
   * @throws `too_large` when they are of more than fits
   */
  add(report: FlowReport): void {
    this.records += 1;
    const reporter = reporterOf(report);
    const edge = this.#edge(report);
    const before = edge.accesses.size + edge.policies.size;
    if (report.timestamp < edge.firstSeen) edge.firstSeen = report.timestamp;
    if (report.timestamp > edge.lastSeen) edge.lastSeen = report.timestamp;
    edge.encrypted &&= report.encrypted;
    const { by } = accessOf(edge, report);
    by[reporter] ??= noCounts();
    count(by[reporter], report);
    policyOf(edge, report, reporter).flows += report.value;
    this.#entries += edge.accesses.size + edge.policies.size - before;
    if (this.#entries > this.#most) {
      throw fail(
        'too_large',
        `the records are of more than ${this.#most} pairs of ends, ports and policies, too many for one map; ask for a shorter window of time, in a namespace below, or filter the records with q`,
      );
    }
    const { namespace, remoteNamespace = '' } = report;
    const remote = remoteNamespace === '' ? namespace : remoteNamespace;
    const places = { Source: [namespace], Destination: [remote], Unknown: [namespace, remote] };
    const others = { Source: [remote], Destination: [namespace], Unknown: [namespace, remote] };
    const { sourceID, sourceType, sourceName, destinationID, destinationType, destinationName } = report;
    this.#end(sourceID, sourceType, sourceName, report, places[reporter]);
    this.#end(destinationID, destinationType, destinationName, report, others[reporter]);
  }

  #edge({ sourceID, destinationID, timestamp }: FlowReport): EdgeTally {
    const key = keyOf(sourceID, destinationID);
    const edge = this.edges.get(key) ?? {
      sourceID,
      destinationID,
      firstSeen: timestamp,
      lastSeen: timestamp,
      encrypted: true,
      accesses: new Map(),
      policies: new Map(),
    };
    if (!this.edges.has(key)) this.#entries += 1;
    this.edges.set(key, edge);
    return edge;
  }

  #end(
    ID: string,
    type: Type,
    name: string | undefined,
    { timestamp, ID: record, namespace }: FlowReport,
    places: readonly NamespacePath[],
  ): void {
    const at = timestamp + record;
    const end = this.ends.get(ID) ?? {
      ID,
      type,
      name: '',
      namespaces: new Set(),
      typedAt: at,
      namedAt: '',
    };
    this.ends.set(ID, end);
    if (at > end.typedAt) Object.assign(end, { type, typedAt: at });
    if (name !== undefined && name !== '' && at > end.namedAt) Object.assign(end, { name, namedAt: at });
    for (const place of type === 'ExternalNetwork' ? [namespace] : places) end.namespaces.add(place);
  }
}

function accessOf(edge: EdgeTally, { protocol, destinationPort: port }: FlowReport): AccessTally {
  const key = keyOf(protocol, port);
  const access = edge.accesses.get(key) ?? {
    ...(protocol === undefined ? {} : { protocol }),
    ...(port === undefined ? {} : { port }),
    by: {},
  };
  edge.accesses.set(key, access);
  return access;
}

function policyOf(edge: EdgeTally, report: FlowReport, reporter: Reporter): PolicyTally {
  const { policyID, policyNamespace, ruleName = '', action } = report;
  const key = keyOf(policyID, policyNamespace, ruleName, action, reporter);
  const policy = edge.policies.get(key) ?? {
    policyID,
    policyNamespace,
    ruleName,
    action,
    reporter,
    flows: 0,
  };
  edge.policies.set(key, policy);
  return policy;
}
