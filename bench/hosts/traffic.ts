import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

/**
 * A host's end of a measurement: `traffic.ts serve <port>` reads whatever comes, `traffic.ts measure <address> <port>`
 * sends. Each answers, in JSON, each word on its standard input: `bytes` and `connections` how much of it there was in a
 * while, `busy` how much processor time the process took so far.
 */
export interface Answers {
  bytes: { perSecond: number; sent: number };
  connections: { perSecond: number; opened: number };
  /** Microseconds, the kernel's work for it included. */
  busy: number;
}

const [role, ...rest] = process.argv.slice(2);
/** Milliseconds: short, so that what else the machine does meets those that are compared alike. */
const SPAN = 200;
const CHUNK = Buffer.alloc(1 << 18);
const LANES = 16;

function busy(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function bytes(address: string, port: number): Promise<Answers['bytes']> {
  const socket = connect(port, address);
  await once(socket, 'connect');
  const begun = performance.now();
  while (performance.now() - begun < SPAN) if (!socket.write(CHUNK)) await once(socket, 'drain');
  const sent = socket.bytesWritten - socket.writableLength;
  socket.destroy();
  return { perSecond: (sent * 1000) / (performance.now() - begun), sent };
}

async function connections(address: string, port: number): Promise<Answers['connections']> {
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
  return { perSecond: (opened * 1000) / (performance.now() - begun), opened };
}

const say = (answer: unknown): boolean => process.stdout.write(`${JSON.stringify(answer)}\n`);
const [address = '', port = address] = rest;
if (role === 'serve')
  createServer(socket => socket.on('error', () => undefined).resume()).listen(Number(port), '0.0.0.0', () =>
    say('listens'),
  );
createInterface({ input: process.stdin })
  .on('close', () => process.exit())
  .on('line', async word => {
    if (word === 'busy') say(busy());
    if (word === 'bytes') say(await bytes(address, Number(port)));
    if (word === 'connections') say(await connections(address, Number(port)));
  });
