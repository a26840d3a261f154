import { execFile } from 'node:child_process';
import ipaddr from 'ipaddr.js';

/** `local port > remote port` of a connection → whether this end opened it. */
export type Openers = ReadonlyMap<string, boolean>;

interface End {
  address: string;
  port: number;
}

export const keyOf = (local: End, remote: End): string =>
  `${local.address} ${local.port} > ${remote.address} ${remote.port}`;

/** `10.9.0.1:80`, `[2001:db8::1]:80`, `[fe80::1]%eth0:80`. IPv4 in IPv6's clothes is IPv4 on the wire. */
function endOf(text: string): End | undefined {
  const [, bracketed, plain, port] =
    /^(?:\[([^\]%]+)[^\]]*\](?:%[^:]+)?|([^:[\]%]+)(?:%[^:]+)?):(\d+)$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? '';
  if (!port || !ipaddr.isValid(address)) return undefined;
  return { address: ipaddr.process(address).toString(), port: Number(port) };
}

const countOf = (line: string, name: string): number =>
  Number(new RegExp(`(?:^|\\s)${name}:(\\d+)`).exec(line)?.[1] ?? 0);

/**
 * What `ss -i` tells of each connection. To the one who opens it the kernel counts the answer to his SYN as a byte that was acknowledged,
 * which it does not to the one who was asked; so where nothing is on its way, one acknowledged byte more than was sent is the mark of
 * the opener. Source: tcp_snd_una_update and tcp_create_openreq_child of the kernel.
 */
export function openersIn(text: string): Openers {
  const found = new Map<string, boolean>();
  for (const line of text.split('\n')) {
    const [, , , localText = '', remoteText = ''] = line.trim().split(/\s+/);
    const [local, remote] = [endOf(localText), endOf(remoteText)];
    if (!local || !remote || countOf(line, 'unacked') > 0) continue;
    const more = countOf(line, 'bytes_acked') - countOf(line, 'bytes_sent') + countOf(line, 'bytes_retrans');
    if (more === 0 || more === 1) found.set(keyOf(local, remote), more === 1);
  }
  return found;
}

/** After a FIN one byte more is acknowledged as well: connections of those states tell nothing. */
const TELLING = ['state', 'established', 'state', 'close-wait'];
const PATIENCE = 5000;

/** Who opened the connections of this network namespace, as far as that can be told; nothing where there is no `ss`. */
export const openers = (): Promise<Openers> =>
  new Promise(resolve => {
    const options = { timeout: PATIENCE, maxBuffer: 64 * 1024 * 1024 };
    execFile('ss', ['-tinHO', ...TELLING], options, (error, stdout) =>
      resolve(openersIn(error ? '' : stdout)),
    );
  });
