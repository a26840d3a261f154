import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import type { FlowReport, Said, Wish } from './talk.ts';

/** A program on a test host: listens, opens flows, and tells how they go. test/net/hosts/talk.ts is its other end. */

interface Flow extends FlowReport {
  stop: () => void;
}

const flows: Flow[] = [];

const BYTES = 8;

/** Says which one of a flow it is. */
const messageOf = (number: number): Buffer => {
  const message = Buffer.alloc(BYTES);
  message.writeUInt32BE(number);
  return message;
};

function pour(port: number, every: number): Promise<void> {
  const tcp = createServer(socket => {
    const timer = setInterval(() => socket.write(Buffer.alloc(BYTES)), every);
    socket.setNoDelay(true).on('error', () => undefined);
    socket.on('close', () => clearInterval(timer)).resume();
  });
  return new Promise(done => tcp.listen(port, '::', done));
}

function listen(port: number): Promise<void> {
  const udp = createSocket('udp6');
  udp.on('message', (message, { address, port: from }) => udp.send(message, from, address));
  const tcp = createServer(socket => {
    socket.setNoDelay(true).on('error', () => undefined);
    socket.pipe(socket);
  });
  return new Promise(done => tcp.listen(port, '::', () => udp.bind(port, '::', () => done())));
}

function openTcp(to: string, port: number, every: number): Flow {
  const flow: Flow = { sent: 0, echoed: 0, furthest: 0, ended: '', stop: () => socket.destroy() };
  const socket = connect(port, to);
  let received = 0;
  socket.setNoDelay(true);
  socket.on('data', bytes => {
    received += bytes.length;
    flow.echoed = Math.floor(received / BYTES);
    flow.furthest = flow.echoed;
  });
  socket.on('error', error => {
    flow.ended = error.message;
  });
  socket.on('close', () => {
    flow.ended ||= 'closed';
    clearInterval(timer);
  });
  const speak = (): void => {
    if (socket.readyState !== 'open') return;
    socket.write(messageOf(flow.sent));
    flow.sent++;
  };
  const timer = every > 0 ? setInterval(speak, every) : undefined;
  return flow;
}

function openUdp(to: string, port: number, every: number): Flow {
  const socket = createSocket(to.includes(':') ? 'udp6' : 'udp4');
  const flow: Flow = { sent: 0, echoed: 0, furthest: 0, ended: '', stop: () => socket.close() };
  socket.on('message', message => {
    flow.echoed++;
    flow.furthest = Math.max(flow.furthest, message.readUInt32BE() + 1);
  });
  socket.on('error', error => {
    flow.ended = error.message;
  });
  const timer = setInterval(() => {
    // What the filter of this host refuses is an error of `send`: it did not leave.
    socket.send(messageOf(flow.sent), port, to, () => undefined);
    flow.sent++;
  }, every);
  socket.on('close', () => clearInterval(timer));
  return flow;
}

async function fulfil(wish: Wish): Promise<Said['flows']> {
  if (wish.kind === 'listen') await listen(wish.port);
  if (wish.kind === 'pour') await pour(wish.port, wish.every);
  if (wish.kind === 'open') {
    const open = wish.protocol === 'tcp' ? openTcp : openUdp;
    flows.push(open(wish.to, wish.port, wish.every));
  }
  if (wish.kind === 'stop') for (const { stop } of flows.splice(0)) stop();
  return flows.map(({ stop: _, ...report }) => report);
}

process.on('message', async ({ id, wish }: { id: number; wish: Wish }) => {
  process.send?.({ id, flows: await fulfil(wish) } satisfies Said);
});
process.on('disconnect', () => process.exit());
process.send?.({ id: 0, flows: [] } satisfies Said);
