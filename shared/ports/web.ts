export interface WebRequest {
  method: 'GET' | 'POST';
  url: URL;
  headers?: Readonly<Record<string, string>>;
  body?: string;
}

export interface WebLimits {
  /** Most bytes of an answer. */
  bytes: number;
  /** For all of it, from the name look-up to the last byte. */
  milliseconds: number;
}

export interface WebAnswer {
  status: number;
  body: string;
}

/**
 * Requests to servers that others name. Only https, only public addresses, no redirect, no cookie, nothing sent but
 * what is said here.
 */
export interface Web {
  /**
   * The answer, whatever its status. Fails with `unavailable` when the server may not be asked, does not answer within
   * the limits, or cannot be reached.
   */
  send(request: WebRequest, limits: WebLimits): Promise<WebAnswer>;
}
