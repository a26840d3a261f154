import { createServer, request } from 'node:http';
import { connect } from 'node:net';

/* An HTTP proxy for whoever asks, on port 3128: of single requests and of tunnels. Run on a host of a test. */

const server = createServer((from, answer) => {
  const { method, headers, url = '' } = from;
  const on = request(url, { method, headers }, found => {
    answer.writeHead(found.statusCode ?? 502, found.headers);
    found.pipe(answer);
  });
  on.on('error', () => answer.writeHead(502).end());
  from.pipe(on);
});
server.on('connect', ({ url = '' }, client, first) => {
  const { hostname, port } = new URL(`http://${url}`);
  const there = connect(Number(port) || 80, hostname, () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    there.write(first);
    there.pipe(client).pipe(there);
  });
  there.on('error', () => client.destroy());
  client.on('error', () => there.destroy());
});
server.listen(3128, () => process.stdout.write('listens\n'));
