import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * `traffic.ts serve <port>` listens, and reads whatever comes. `traffic.ts measure <address> <port>` measures for a while
 * for each line on its standard input: bytes and connections a second.
 */
export interface Traffic {
  bytes: number;
  connections: number;
}

const [role, ...rest] = process.argv.slice(2);
const SPAN = 1000;
const CHUNK = Buffer.alloc(1 << 18);
const LANES = 16;

async function throughput(address: string, port: number): Promise<number> {
  const socket = connect(port, address);
  await once(socket, 'connect');
  const begun = performance.now();
  while (performance.now() - begun < SPAN) if (!socket.write(CHUNK)) await once(socket, 'drain');
  const bytes = socket.bytesWritten - socket.writableLength;
  socket.destroy();
  return (bytes * 1000) / (performance.now() - begun);
}

async function rate(address: string, port: number): Promise<number> {
  const begun = performance.now();
  let opened = 0;
  const lane = async () => {
    while (performance.now() - begun < SPAN) {
      const socket = connect(port, address);
      await once(socket, 'connect');
      opened++;
      socket.resetAndDestroy();
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return (opened * 1000) / (performance.now() - begun);
}

if (role === 'serve') {
  createServer(socket => socket.on('error', () => undefined).resume()).listen(
    Number(rest[0]),
    '0.0.0.0',
    () => process.stdout.write('listens\n'),
  );
  process.stdin.on('end', () => process.exit()).resume();
} else {
  const [address = '', port = '0'] = rest;
  process.stdin
    .on('end', () => process.exit())
    .on('data', async () => {
      const bytes = await throughput(address, Number(port));
      const connections = await rate(address, Number(port));
      process.stdout.write(`${JSON.stringify({ bytes, connections } satisfies Traffic)}\n`);
    });
}
