import { gunzipSync } from 'node:zlib';
import { decode } from '@msgpack/msgpack';
import { handlersOf } from '../../functions/api/index.ts';
import type { Deps } from '../../functions/deps.ts';
import { type HttpFunction, httpFunction } from '../../functions/http.ts';
import { noOperation } from '../../functions/pipeline/decode.ts';
import { problem } from '../../functions/pipeline/problem.ts';
import { match } from '../../shared/api/match.ts';
import { contextOf, eventOf } from '../make/call.ts';

export interface Sent {
  method: string;
  /** As it stands in the request line, without the query. */
  path: string;
  query: string;
  headers: Readonly<Record<string, string>>;
  body?: Buffer;
}

export interface Got {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** As it was before it was packed and zipped. */
  text: string;
  /** Parsed; undefined where there is no body. */
  body: unknown;
  milliseconds: number;
}

export type Door = (sent: Sent) => Promise<Got>;

function textOf(bytes: Buffer, headers: Readonly<Record<string, string>>): string {
  const plain = headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
  if (headers['content-type'] !== 'application/msgpack') return plain.toString('utf8');
  // A refusal shows the value that was wrong; this decoder takes no `__proto__` in it.
  return JSON.stringify(
    decode(Buffer.from(plain.toString('latin1').replaceAll('__proto__', '--proto--'), 'latin1')),
  );
}

/** The API as its front sees it: a path is matched, a function is called, an answer comes back. */
export function door(deps: () => Deps): Door {
  const lambdas: Readonly<Record<string, HttpFunction>> = Object.fromEntries(
    Object.entries(handlersOf).map(([group, handlers]) => [group, httpFunction(handlers, deps)]),
  );
  return async ({ method, path, query, headers, body }) => {
    const found = match(method, path);
    const before = performance.now();
    if (typeof found === 'string') {
      const { code, body: errors } = problem(noOperation(found, method, path), 'front');
      return { status: code, headers: {}, text: JSON.stringify(errors), body: errors, milliseconds: 0 };
    }
    const event = eventOf(`${method} ${path}` as Parameters<typeof eventOf>[0], { headers });
    const result = await lambdas[found.route.group]?.(
      {
        ...event,
        routeKey: `${found.route.method} ${found.route.path}`,
        rawPath: path,
        rawQueryString: query,
        pathParameters: found.params,
        ...(body ? { body: body.toString('base64'), isBase64Encoded: true } : {}),
      },
      contextOf(),
    );
    const milliseconds = performance.now() - before;
    const said = Object.fromEntries(
      Object.entries(result?.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]),
    );
    const bytes = Buffer.from(result?.body ?? '', result?.isBase64Encoded ? 'base64' : 'utf8');
    const text = textOf(bytes, said);
    return {
      status: result?.statusCode ?? 0,
      headers: said,
      text,
      body: text === '' ? undefined : JSON.parse(text),
      milliseconds,
    };
  };
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The request for a shell, with a token where one was sent. */
export function curl({ method, path, query, headers, body }: Sent): string {
  const said = Object.entries(headers).map(([name, value]) =>
    name === 'authorization' && value.length > 300
      ? '-H "Authorization: Bearer $TOKEN"'
      : `-H ${quoted(`${name}: ${value}`)}`,
  );
  const bytes = body?.toString('utf8') ?? '';
  const isText = Buffer.from(bytes).equals(body ?? Buffer.alloc(0));
  const data = !body
    ? []
    : isText
      ? [
          `--data-binary ${quoted(bytes.length > 2000 ? `${bytes.slice(0, 2000)}… (${bytes.length} characters)` : bytes)}`,
        ]
      : [`--data-binary @<(printf %s ${body.toString('hex')} | xxd -r -p)`];
  const url = `http://127.0.0.1:8080${path}${query ? `?${query}` : ''}`;
  return ['curl', `-X ${method}`, quoted(url), ...said, ...data].join(' ');
}
