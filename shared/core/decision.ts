import type { NamespacePath, ObjectId } from '../schema/ids.ts';
import type { Tag } from '../schema/tag.ts';
import type { Traffic } from './ports.ts';

export type Verdict = 'allow' | 'reject';
export type Direction = 'incoming' | 'outgoing';

/** A processing unit at one end of a flow. */
export interface UnitEnd {
  kind: 'processing unit';
  /** Where it lives, after mapping. */
  namespace: NamespacePath;
  tags: readonly Tag[];
  /** The address that it has in this flow; external networks may hold it. */
  address?: string;
  /** The DNS name under which it was asked for. */
  name?: string;
  /** More DNS names that lead to its address. */
  names?: readonly string[];
}

/** Anything else at an end: an address, a DNS name that led to it, or both. `names`: more of them that lead there. */
export type NetworkEnd =
  | { kind: 'network'; address: string; name?: string; names?: readonly string[] }
  | { kind: 'network'; address?: string; name: string };

/** The first packet of a connection. At least one end is a processing unit: nobody decides about other flows. */
export type Flow =
  | { from: UnitEnd; to: UnitEnd | NetworkEnd; traffic: Traffic }
  | { from: NetworkEnd; to: UnitEnd; traffic: Traffic };

/** One rule, named. */
export interface RuleRef {
  rulesetID: ObjectId;
  /** The ruleset's name; not unique. */
  name: string;
  /** Where the ruleset lives. */
  namespace: NamespacePath;
  /** It lives in an ancestor of the deciding namespace. */
  propagated: boolean;
  direction: Direction;
  /** Position in the ruleset's list of this direction, from 0. */
  index: number;
  /** The rule's own name; may be empty. */
  ruleName: string;
}

/** How a rule came to name the peer, with the clause that did. */
export type Via =
  | { kind: 'processing unit'; clause: readonly Tag[] }
  | { kind: 'external network'; ID: ObjectId; name: string; entry: string; clause: readonly Tag[] };

export interface ByRule {
  rule: RuleRef;
  via: Via;
}

/** No rule matched. `namespace` is the one whose property said so; the root when none did. */
export interface ByDefault<A extends 'Allow' | 'Reject'> {
  default: { action: A; namespace: NamespacePath };
}

type Decided =
  | { verdict: 'allow'; by: ByRule | ByDefault<'Allow'> }
  | { verdict: 'reject'; by: ByRule | ByDefault<'Reject'> };

/** What one end's policy says of the flow, and why. */
export type SideDecision = Decided & {
  side: 'source' | 'destination';
  /** The namespace whose policy decided: that of the processing unit at this end. */
  namespace: NamespacePath;
  traffic: Traffic;
  /** What would have been decided if observed rules counted; given only when that is by an observed rule. */
  observed?: { verdict: Verdict; by: ByRule };
  /** Tags of this end that count for nothing, because its namespace enforces tag prefixes and none lists them. */
  unlisted?: readonly Tag[];
};

/** Both ends that are processing units must allow. An end that is none has no say and no decision here. */
export type FlowDecision =
  | { verdict: Verdict; source: SideDecision; destination: SideDecision }
  | { verdict: Verdict; source: SideDecision; destination?: undefined }
  | { verdict: Verdict; source?: undefined; destination: SideDecision };
