/** Quotas of Step Functions, Standard. Source: AWS Step Functions developer guide, "Service quotas". */
export const LIMITS = {
  /** Bytes of an input, an output, a payload, or one Assign. */
  payload: 256 * 1024,
  /** Events in the history of one execution. */
  history: 25_000,
  /** Iterations of an inline Map at a time. */
  mapConcurrency: 40,
  /** Executions of a distributed Map at a time. */
  mapExecutions: 10_000,
  /** Characters of an error's name and of its cause. */
  error: 256,
  cause: 32_768,
  /** Days for which a closed execution is kept and its name stays taken. */
  retentionDays: 90,
} as const;
