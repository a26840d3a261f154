import type { FlowReport } from '../schema/flowreport.ts';
import type { NamespacePath } from '../schema/ids.ts';
import type { ListQuery, Page } from './object-store.ts';

/** Records from a moment on and before another one, each RFC 3339 UTC with milliseconds. */
export interface FlowQuery extends ListQuery {
  /** Inclusive. */
  from?: string;
  /** Exclusive. */
  to?: string;
  /** Those of the namespaces below too. */
  recursive: boolean;
  /** Only these; absent: all. Asked once for each record that is looked at, in any order. */
  passes?: (report: FlowReport) => boolean;
}

/** What is gone through whole. */
export type FlowWindow = Pick<FlowQuery, 'from' | 'to' | 'recursive'>;

/**
 * Flow records of a tenant, kept by day. Records are never changed: one that comes again, with the same timestamp and
 * ID, is read once.
 */
export interface FlowStore {
  /** Durable when it resolves; when it fails, any part may be kept, and sending all again does no harm. */
  append(tenant: NamespacePath, reports: readonly FlowReport[]): Promise<void>;
  /**
   * Newest first, between equals by ID. What was appended is read at once in one process; on AWS some minutes later.
   * Not from the root with all below it: records are kept apart by tenant.
   */
  read(namespace: NamespacePath, query: FlowQuery): Promise<Page<FlowReport>>;
  /** Every record of the window once, in no order, as `read` would give them in pages. What `see` throws ends it. */
  each(namespace: NamespacePath, window: FlowWindow, see: (report: FlowReport) => void): Promise<void>;
}
