import { lookup } from 'node:dns';
import { request as http, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as https } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Web, WebRequest } from '../../ports/web.ts';
import { fail } from '../../schema/failure.ts';

export interface WebOptions {
  /**
   * Origins that may be asked although they have no public address, such as `https://login.corp.example`. Plain http
   * only to a loopback address that is named here.
   */
  privateOrigins?: readonly string[];
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/;

/** Private, loopback, link-local, shared, reserved and translated addresses are not. */
const isPublic = (address: string): boolean => ipaddr.process(address).range() === 'unicast';

class NotPublic extends Error {}

/** Looks a name up and refuses it when one of its addresses is not public: the connection goes to what was checked. */
const publicOnly: LookupFunction = (host, options, done) => {
  lookup(host, { ...options, all: true }, (error, found) => {
    if (error) return done(error, []);
    const inside = found.find(({ address }) => !isPublic(address));
    if (inside) return done(new NotPublic(`${host} has the address ${inside.address}`), []);
    const [first] = found;
    if (options.all || !first) done(null, found);
    else done(null, first.address, first.family);
  });
};

function refuseForbidden(url: URL, privateOrigins: readonly string[]): void {
  const named = privateOrigins.includes(url.origin);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && named && LOOPBACK.test(url.hostname))) {
    throw fail('unavailable', `${url.origin} is not asked: only https is`);
  }
  if (url.username !== '' || url.password !== '') {
    throw fail('unavailable', `${url.origin} is not asked with a user name in its URL`);
  }
  if (!named && isIP(host) !== 0 && !isPublic(host)) {
    throw fail('unavailable', `${url.origin} is not asked: its address is not public`);
  }
}

async function textOf(response: IncomingMessage, bytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bytes) throw fail('unavailable', `the answer has more than ${bytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Requests over node:http and node:https, which follow nothing by themselves. A connection serves one request. */
export function openWeb({ privateOrigins = [] }: WebOptions = {}): Web {
  const exchange = async (request: WebRequest, bytes: number, signal: AbortSignal) => {
    const { method, url, headers = {}, body } = request;
    const options: RequestOptions = {
      method,
      agent: false,
      signal,
      headers: {
        ...headers,
        ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      },
      ...(privateOrigins.includes(url.origin) ? {} : { lookup: publicOnly }),
    };
    const response = await new Promise<IncomingMessage>((answered, failed) => {
      const send = url.protocol === 'https:' ? https : http;
      send(url, options, answered).once('error', failed).end(body);
    });
    try {
      return { status: response.statusCode ?? 0, body: await textOf(response, bytes) };
    } finally {
      response.destroy();
    }
  };
  return {
    async send(request, limits) {
      const { origin } = request.url;
      refuseForbidden(request.url, privateOrigins);
      const signal = AbortSignal.timeout(limits.milliseconds);
      try {
        return await exchange(request, limits.bytes, signal);
      } catch (error) {
        const named = error instanceof Error ? error : new Error(String(error));
        if (signal.aborted) {
          throw fail('unavailable', `${origin} did not answer within ${limits.milliseconds} ms`);
        }
        if (named instanceof NotPublic) {
          throw fail('unavailable', `${origin} is not asked: ${named.message}, which is not public`);
        }
        throw fail('unavailable', `${origin} could not be asked: ${named.message}`);
      }
    },
  };
}
