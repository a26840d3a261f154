import type { RuleRef, Verdict } from '../../shared/core/decision.ts';
import type { BundleProfile, PayloadName, Payloads } from '../../shared/schema/bundle.ts';
import type { NamespacePath, ObjectId } from '../../shared/schema/ids.ts';
import type { Tag } from '../../shared/schema/tag.ts';

/*
 * Between the agent, which knows what should hold, and the kernel, which makes it hold. docs/decisions, "enforcer data
 * plane", says why it looks so.
 */

/** A processing unit of this host. */
export interface LocalUnit {
  ID: ObjectId;
  /** Where it lives, after mapping. A namespace that the bundle covers. */
  namespace: NamespacePath;
  /** All its tags; which count on the wire is decided here. */
  tags: readonly Tag[];
  /** Its own addresses; the host's unit may leave them out: whatever no other unit owns is the host's. */
  addresses: readonly string[];
  /** Path below the mount of cgroup v2, without a leading slash: a unit of processes, told by their sockets. */
  cgroup?: string;
  /** Which one of that path: the kernel's rules are about one, and not about another that is made under its name later. */
  cgroupID?: string;
  /** The host itself. One at most. */
  isHost: boolean;
}

/** An address and port that is always reachable from the host, such as the control plane. */
export interface Endpoint {
  address: string;
  port: number;
}

export interface HostPolicy {
  payloads: Payloads;
  /** SHA-256 of each payload's bytes, in hex: equal digests are taken for equal payloads. */
  digests: Readonly<Record<PayloadName, string>>;
  units: readonly LocalUnit[];
  /** The enforcer's profile, when it has one. */
  profile?: BundleProfile;
  /** DNS names of external networks, in lower case without a trailing dot → addresses that they lead to. */
  names: ReadonlyMap<string, readonly string[]>;
  /** Never shut out, so that the agent never locks itself out. */
  infrastructure: {
    controlPlane: readonly Endpoint[];
    /** Addresses of DNS resolvers; port 53 over TCP and UDP. DHCP and IPv6 neighbour discovery are always let through. */
    resolvers: readonly string[];
  };
  /** Ports are not looked at: hosts with Istio, whose sidecars redirect them. */
  layer3Only: boolean;
  /** Nothing but infrastructure: a bundle that is too old, where the profile says so. */
  lockdown: boolean;
}

/** Why a policy did not become active. The one before stays, whole. */
export type RefusalReason = 'no_nft' | 'no_answer' | 'not_permitted' | 'rejected_by_kernel' | 'not_read_back';

export type Applied =
  | {
      outcome: 'applied';
      /** Digest of what is active, read back from the kernel: 56 hex digits. */
      digest: string;
      /** False when the kernel had it already. */
      changed: boolean;
      /** What could not be enforced as it was said, one sentence each. */
      warnings: readonly string[];
    }
  | { outcome: 'refused'; reason: RefusalReason; detail: string };

/** What a log record's prefix stands for. */
export interface Meaning {
  direction: 'incoming' | 'outgoing';
  verdict: Verdict;
  /** Absent: the default action of `namespace`. */
  rule?: RuleRef;
  /** Where the rule's ruleset lives, or where the default action was set. */
  namespace: NamespacePath;
  /** What an observed rule would have decided. */
  observed?: { verdict: Verdict; rule: RuleRef };
  /** The unit, where addresses alone don't tell it: units by cgroup. */
  unit?: ObjectId;
}

export interface Counted {
  packets: number;
  bytes: number;
}

/** NFLOG group of flow records, unless another is asked for. */
export const LOG_GROUP = 5;
/** `A:<id>:` for a flow that was let in or out, `R:<id>:` for one that was not. */
export const LOG_PREFIX = /^([AR]):([0-9a-f]+):$/;
/** What stands before questions to the resolvers and their answers, where the policy holds names that only they tell. */
export const DNS_PREFIX = { question: 'D:q:', answer: 'D:a:' } as const;
/** Bytes of a packet that are logged: headers of IPv6 and TCP. */
export const SNAPLEN = 96;

export interface DataPlane {
  /**
   * Makes the policy hold: renders, applies in one transaction, reads back. Applying the same again changes nothing.
   * Calls wait for each other.
   */
  apply(policy: HostPolicy): Promise<Applied>;
  /** Compares the kernel with what was applied last, and mends it. Nothing was applied yet: nothing to mend. */
  reconcile(): Promise<{ mended: boolean; difference: string } | Extract<Applied, { outcome: 'refused' }>>;
  /** Calls back when somebody else may have changed the rules; bursts are one call. Ends with the returned function. */
  watch(changed: () => void): () => Promise<void>;
  /** Flows seen by the unlimited counters since the rules were loaded, by the id in log prefixes; none that saw nothing. */
  counters(): Promise<Map<string, Counted>>;
  /** Whether the kernel holds rules of ours, of this run or an earlier one. */
  isThere(): Promise<boolean>;
  /** What the id of a log prefix stands for; also one that was removed a while ago. */
  meaning(id: string): Meaning | undefined;
  /** Takes everything of ours out of the kernel. */
  remove(): Promise<void>;
}
