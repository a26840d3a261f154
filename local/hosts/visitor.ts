import { connect, createServer } from 'node:net';
import type { Answered, Asked } from './visits.ts';

/** A program on a host: listens on ports, and tries to reach others. local/hosts/visits.ts is its other end. */

const listen = (port: number): Promise<void> =>
  new Promise((done, failed) => {
    createServer(socket => socket.on('error', () => undefined).end())
      .once('error', failed)
      .listen(port, '0.0.0.0', () => done());
  });

/** Whether a TCP connection came about in time. A host that refuses the port would have been reached too. */
const reaches = (from: string, to: string, port: number, patience: number): Promise<boolean> =>
  new Promise(done => {
    const socket = connect({ host: to, port, localAddress: from, timeout: patience });
    const end = (reached: boolean) => () => {
      socket.destroy();
      done(reached);
    };
    socket.once('connect', end(true)).once('timeout', end(false));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED')());
  });

process.on('message', async ({ id, listen: ports = [], visits = [], patience = 1000 }: Asked) => {
  await Promise.all(ports.map(listen));
  const reached = await Promise.all(visits.map(({ from, to, port }) => reaches(from, to, port, patience)));
  // Whoever asked may be gone by now; then there is nobody to tell.
  process.send?.({ id, reached } satisfies Answered, undefined, undefined, () => undefined);
});
process.on('disconnect', () => process.exit());
