import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Zone } from './dns.ts';
import { answer } from './dns-answer.ts';

/** A DNS server in this process, on loopback, with a zone that changes when it is told. */
export async function openDnsHere() {
  const socket = createSocket('udp4');
  let zone: Zone = {};
  let asked = 0;
  socket.on('message', (message, { port, address }) => {
    asked++;
    const reply = answer(message, zone);
    if (reply) socket.send(reply, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  let isOpen = true;
  return {
    /** For `setServers`. */
    address: `127.0.0.1:${socket.address().port}`,
    serve: (next: Zone) => {
      zone = next;
    },
    /** Questions so far. */
    asked: () => asked,
    close: async () => {
      if (!isOpen) return;
      isOpen = false;
      socket.close();
      await once(socket, 'close');
    },
  };
}
