import { createSocket } from 'node:dgram';

/** A program on a host: sends so many datagrams a second to other ports, for so many seconds. For bench/flows.ts. */
const [perSecond = 0, seconds = 0] = process.argv.slice(2).map(Number);
const socket = createSocket('udp4');
const total = perSecond * seconds;
const begun = performance.now();
let sent = 0;

function burst(): void {
  const due = Math.min(total, Math.floor(((performance.now() - begun) / 1000) * perSecond));
  for (; sent < due; sent++) socket.send('x', 1 + (sent % 1000), '127.0.0.1');
  if (sent < total) setTimeout(burst, 1);
  else socket.close();
}
socket.bind(0, '127.0.0.1', burst);
