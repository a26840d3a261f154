import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Host } from '../../../local/hosts/network.ts';

const PROGRAM = fileURLToPath(new URL('dns-server.ts', import.meta.url));

/** Name → addresses and seconds. A name that leads to another has that one's name instead. */
export type Zone = Readonly<
  Record<string, { addresses: readonly string[]; ttl: number } | { alias: string; ttl: number }>
>;

/** A DNS server on a host, port 53 over UDP, as resolvers are asked. */
export interface DnsServer {
  serve(zone: Zone): Promise<void>;
  /** Sends an answer that nobody asked for, to that address and port. */
  forge(to: { address: string; port: number; name: string; leads: string }): Promise<void>;
  close(): Promise<void>;
}

export type DnsWish =
  | { kind: 'serve'; zone: Zone }
  | { kind: 'forge'; address: string; port: number; name: string; leads: string };

export async function openDns(
  { enter: [program, ...args] }: Host,
  addresses: readonly string[],
): Promise<DnsServer> {
  const execArgv = [...args, process.execPath, '--disable-warning=ExperimentalWarning'];
  const child: ChildProcess = fork(PROGRAM, [...addresses], { execPath: program, execArgv });
  const said = () => once(child, 'message');
  const ended = once(child, 'exit');
  await Promise.race([
    said(),
    ended.then(([code]) => Promise.reject(new Error(`the DNS server ended with ${code}`))),
  ]);
  const ask = async (wish: DnsWish): Promise<void> => {
    const done = said();
    child.send(wish);
    await done;
  };
  return {
    serve: zone => ask({ kind: 'serve', zone }),
    forge: what => ask({ kind: 'forge', ...what }),
    close: async () => {
      child.disconnect();
      await ended;
    },
  };
}
