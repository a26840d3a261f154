import { Failure, fail } from '../../schema/failure.ts';

/** How every client of this folder is made. Left out: the SDK's own chain (environment, profile, role). */
export interface Connection {
  region?: string;
  /** Another endpoint than AWS's own: LocalStack, moto, a VPC endpoint. */
  endpoint?: string;
  /** Milliseconds to wait for an answer; 5,000 when left out. */
  timeout?: number;
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
}

/** Milliseconds. A request of the API may take 29 s in all, so one call must not take the lot. */
const CONNECT = 1_000;
const ANSWER = 5_000;

export const clientConfig = ({ region, endpoint, credentials, timeout = ANSWER }: Connection) => ({
  ...(region !== undefined && { region }),
  ...(endpoint !== undefined && { endpoint }),
  ...(credentials && { credentials }),
  /** Exponential backoff with full jitter, on throttling, server faults and broken connections only. */
  retryMode: 'standard',
  maxAttempts: 4,
  requestHandler: { connectionTimeout: CONNECT, requestTimeout: timeout, throwOnRequestTimeout: true },
});

const THROTTLED = [
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
];
const UNREACHABLE = ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EPIPE', 'ETIMEDOUT'];

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');
const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
const isServerFault = (error: unknown): boolean =>
  error instanceof Error && '$fault' in error && error.$fault === 'server';

export const isNamed = (error: unknown, ...names: string[]): boolean => names.includes(nameOf(error));

/** The HTTP status that an SDK error came with. */
export const statusOf = (error: unknown): number | undefined => {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata;
  return typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
    ? Number(metadata.httpStatusCode)
    : undefined;
};

/**
 * What is left after the SDK's retries: `too_many_requests` for throttling, `unavailable` for timeouts and faults of
 * the other side. Everything else is a mistake of ours and stays as it is, to be logged whole.
 */
export function asFailure(service: string, error: unknown): unknown {
  if (error instanceof Failure) return error;
  if (THROTTLED.includes(nameOf(error)))
    return fail('too_many_requests', `${service} is limiting requests; try again in a moment`);
  if (isServerFault(error) || nameOf(error) === 'TimeoutError' || UNREACHABLE.includes(codeOf(error)))
    return fail('unavailable', `${service} did not answer (${nameOf(error)}); try again in a moment`);
  return error;
}

/** `call('DynamoDB', () => client.send(…))` */
export async function call<T>(service: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asFailure(service, error);
  }
}
