import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Probe, ProbeResult } from '../../../shared/schema/migration.ts';

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

const udpTo = (host: string) => createSocket(host.includes(':') ? 'udp6' : 'udp4');

const overUdp = (host: string, port: number): Promise<boolean> =>
  new Promise(done => {
    const socket = udpTo(host);
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

/** Address that this host shows there: a connection that was refused does not tell it any more. Nothing is sent. */
const sourceTo = (host: string, port: number): Promise<string | undefined> =>
  new Promise(done => {
    const socket = udpTo(host);
    const end = (from: string | undefined) => {
      socket.close();
      done(from);
    };
    socket.once('error', () => end(undefined));
    socket.connect(port, host, () => end(socket.address().address.split('%')[0]));
  });

/** Tries them all, at once. `ok`: as expected. */
export const tryProbes = (probes: readonly Probe[]): Promise<ProbeResult[]> =>
  Promise.all(
    probes.map(async ({ name, host, protocolPort, expect }) => {
      const [protocol, port] = protocolPort.split('/');
      const [reached, from] = await Promise.all([
        (protocol === 'udp' ? overUdp : overTcp)(host, Number(port)),
        sourceTo(host, Number(port)),
      ]);
      return { name, ok: reached === (expect === 'pass'), ...(from === undefined ? {} : { from }) };
    }),
  );
