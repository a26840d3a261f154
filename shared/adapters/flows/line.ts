import { FlowReport } from '../../schema/flowreport.ts';
import { type NamespacePath, tenantOf } from '../../schema/ids.ts';

/**
 * A record is a line of JSON that begins with timestamp and ID, so that where it belongs is seen without parsing it.
 * Lines of one tenant and one day (UTC) lie below one prefix, as Hive and with it DuckDB and Athena read partitions.
 */
const HEAD = /^\{"timestamp":"([^"]{24})","ID":"([0-9a-f]{24})",/;

/** Timestamp and ID: sorts as records do. */
export type Place = string;
export const TIMESTAMP_LENGTH = 24;

export const placeOf = ({ timestamp, ID }: Pick<FlowReport, 'timestamp' | 'ID'>): Place => timestamp + ID;

export const lineOf = ({ timestamp, ID, ...report }: FlowReport): string =>
  `${JSON.stringify({ timestamp, ID, ...report })}\n`;

/** Undefined for a line that is no record. */
export function placeIn(line: string): Place | undefined {
  const head = HEAD.exec(line);
  return head ? `${head[1]}${head[2]}` : undefined;
}

/** Undefined for a line that is no record. */
export function reportIn(line: string): FlowReport | undefined {
  try {
    return FlowReport.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

export const dayOf = (timestamp: string): string => timestamp.slice(0, 10);

/** The root has records of its own; no tenant can have this name. */
const ROOT_NAME = '~';
const nameOf = (tenant: NamespacePath): string => tenantOf(tenant).slice(1) || ROOT_NAME;

export const tenantPrefix = (tenant: NamespacePath): string => `flows/tenant=${nameOf(tenant)}/`;
export const DAY = /^day=(\d{4}-\d\d-\d\d)$/;
export const dayPrefix = (tenant: NamespacePath, day: string): string => `${tenantPrefix(tenant)}day=${day}/`;
