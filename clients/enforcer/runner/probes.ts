import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Probe } from '../../../shared/schema/migration.ts';

/** Milliseconds that a probe waits for an answer. */
const PATIENCE = 2000;

/** Whether somebody answered, if only that nobody listens: a filter answers nothing, or that it forbids it. */
const overTcp = (host: string, port: number): Promise<boolean> =>
  new Promise(done => {
    const socket = connect({ host, port, timeout: PATIENCE });
    const end = (reached: boolean) => {
      socket.destroy();
      done(reached);
    };
    socket.once('connect', () => end(true)).once('timeout', () => end(false));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED'));
  });

const overUdp = (host: string, port: number): Promise<boolean> =>
  new Promise(done => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    const timer = setTimeout(() => end(false), PATIENCE);
    const end = (reached: boolean) => {
      clearTimeout(timer);
      socket.close();
      done(reached);
    };
    socket.once('message', () => end(true));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED'));
    // Who is connected hears that nobody listens.
    socket.connect(port, host, () => socket.send(Buffer.alloc(1), () => undefined));
  });

/** Tries them all, at once. `ok`: as expected. */
export const tryProbes = (probes: readonly Probe[]): Promise<{ name: string; ok: boolean }[]> =>
  Promise.all(
    probes.map(async ({ name, host, protocolPort, expect }) => {
      const [protocol, port] = protocolPort.split('/');
      const reached = await (protocol === 'udp' ? overUdp : overTcp)(host, Number(port));
      return { name, ok: reached === (expect === 'pass') };
    }),
  );
