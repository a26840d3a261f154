import { createSocket, type Socket } from 'node:dgram';
import { encode } from 'dns-packet';
import type { DnsWish, Zone } from './dns.ts';
import { answer } from './dns-answer.ts';

/** A DNS server on a test host, with a zone that changes when it is told; test/net/hosts/dns.ts is its other end. */

let zone: Zone = {};

async function open(address: string): Promise<Socket> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (message, { port, address: client }) => {
    const reply = answer(message, zone);
    if (reply) socket.send(reply, port, client);
  });
  await new Promise<void>(done => socket.bind(53, address, () => done()));
  return socket;
}

const sockets = await Promise.all(process.argv.slice(2).map(open));

process.on('message', (wish: DnsWish) => {
  if (wish.kind === 'serve') zone = wish.zone;
  else {
    const { name, leads, address, port } = wish;
    const questions = [{ type: 'A' as const, name }];
    const answers = [{ type: 'A' as const, name, ttl: 600, data: leads }];
    // Every number that the question may have had: the first ones are as good as any.
    for (let id = 0; id < 256; id++)
      sockets[0]?.send(encode({ type: 'response', id, questions, answers }), port, address);
  }
  process.send?.('done');
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
