import { connect, type Socket } from 'node:net';

/** What a load found. Milliseconds from the first byte of a request to the last of its answer. */
export interface Found {
  perSecond: number;
  /** In the order of the answers. */
  milliseconds: number[];
}

export interface Load {
  port: number;
  connections: number;
  /** How long new requests are sent, in milliseconds. */
  during: number;
  /** The bytes of request number n: HTTP/1.1, connection kept. */
  request: (n: number) => string;
  /** What the first line of every answer must hold, such as ` 200 `. */
  status: string;
}

/** HTTP/1.1 text of a request. */
export function requestText(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body = '',
): string {
  const length = body === '' ? '' : `content-length: ${Buffer.byteLength(body)}\r\n`;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines.join('')}${length}\r\n${body}`;
}

/** True when an answer is complete: by its length, its last chunk, or because it has no body. */
export function isWhole(text: string): boolean {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return false;
  if (/^HTTP\/1\.1 (204|304)/.test(text)) return true;
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(text.slice(0, head + 2))?.[1];
  return length === undefined ? text.endsWith('0\r\n\r\n') : text.length >= head + 4 + Number(length);
}

/**
 * Sends requests over kept connections, on each the next one when the last was answered. It does as little as it can,
 * so that it is the server that is measured; run it in another process than the server's. Bodies must be ASCII.
 */
export async function load({ port, connections, during, request, status }: Load): Promise<Found> {
  const milliseconds: number[] = [];
  const begun = performance.now();
  let number = 0;
  const talk = (socket: Socket): Promise<void> =>
    new Promise((resolve, reject) => {
      let answer = '';
      let sent = 0;
      const next = (): void => {
        if (performance.now() - begun > during) {
          socket.end();
          resolve();
          return;
        }
        sent = performance.now();
        socket.write(request(number));
        number += 1;
      };
      socket.setEncoding('latin1').setNoDelay(true);
      socket.on('data', (text: string) => {
        answer += text;
        if (!isWhole(answer)) return;
        milliseconds.push(performance.now() - sent);
        if (!answer.slice(0, 20).includes(status))
          reject(new Error(`not${status}but ${answer.slice(0, 600)}`));
        answer = '';
        next();
      });
      socket.on('error', reject);
      socket.on('connect', next);
    });
  await Promise.all(Array.from({ length: connections }, () => talk(connect(port, '127.0.0.1'))));
  return { perSecond: (milliseconds.length / (performance.now() - begun)) * 1000, milliseconds };
}

/** The value below which a share of the values lies; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
