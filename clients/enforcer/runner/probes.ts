import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Probe, ProbeResult } from '../../../shared/schema/migration.ts';

/** Milliseconds that a probe waits for an answer. */
const PATIENCE = 2000;

interface Tried {
  /** Somebody answered, if only that nobody listens: a filter answers nothing, or that it forbids it. */
  reached: boolean;
  from: string | undefined;
}

const overTcp = (host: string, port: number): Promise<Tried> =>
  new Promise(done => {
    const socket = connect({ host, port, timeout: PATIENCE });
    const end = (reached: boolean) => {
      const from = socket.localAddress?.split('%')[0];
      socket.destroy();
      done({ reached, from });
    };
    socket.once('connect', () => end(true)).once('timeout', () => end(false));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED'));
  });

const overUdp = (host: string, port: number): Promise<Tried> =>
  new Promise(done => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    let from: string | undefined;
    const timer = setTimeout(() => end(false), PATIENCE);
    const end = (reached: boolean) => {
      clearTimeout(timer);
      socket.close();
      done({ reached, from });
    };
    socket.once('message', () => end(true));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED'));
    // Who is connected hears that nobody listens.
    socket.connect(port, host, () => {
      from = socket.address().address.split('%')[0];
      socket.send(Buffer.alloc(1), () => undefined);
    });
  });

/** Tries them all, at once. `ok`: as expected. */
export const tryProbes = (probes: readonly Probe[]): Promise<ProbeResult[]> =>
  Promise.all(
    probes.map(async ({ name, host, protocolPort, expect }) => {
      const [protocol, port] = protocolPort.split('/');
      const { reached, from } = await (protocol === 'udp' ? overUdp : overTcp)(host, Number(port));
      return { name, ok: reached === (expect === 'pass'), ...(from === undefined ? {} : { from }) };
    }),
  );
