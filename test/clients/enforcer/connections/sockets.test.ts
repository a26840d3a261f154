import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connections, connectionsIn } from '../../../../clients/enforcer/connections/sockets.ts';

const line = (local: string, remote: string, state: string) =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0`;
/** 10.9.0.1, 10.9.0.2, 127.0.0.1, 2001:db8::1, 2001:db8::2, ::ffff:10.9.0.1, ::ffff:10.9.0.2 as the kernel prints them. */
const [A, B, LOOP, ANY] = ['0100090A', '0200090A', '0100007F', '00000000'];
const [A6, B6] = ['B80D0120000000000000000001000000', 'B80D0120000000000000000002000000'];
const [MA, MB] = ['0000000000000000FFFF00000100090A', '0000000000000000FFFF00000200090A'];
const ANY6 = '0'.repeat(32);
const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';

const told = (...lines: string[]) =>
  connectionsIn([HEAD, ...lines, ''].join('\n')).map(
    ({ family, source, destination }) =>
      `${family} ${source.address} ${source.port} > ${destination.address} ${destination.port}`,
  );

test('who listens was asked, and everybody else asked', () => {
  expect(
    told(
      line(`${ANY}:1388`, `${ANY}:0000`, '0A'),
      line(`${A}:1388`, `${B}:C000`, '01'),
      line(`${A}:C001`, `${B}:1389`, '01'),
    ),
  ).toEqual(['4 10.9.0.2 49152 > 10.9.0.1 5000', '4 10.9.0.1 49153 > 10.9.0.2 5001']);
});

test('a well-known port whose listener is gone was asked as well', () => {
  expect(told(line(`${A}:0016`, `${B}:C000`, '01'))).toEqual(['4 10.9.0.2 49152 > 10.9.0.1 22']);
});

test('IPv6, and IPv4 in its clothes', () => {
  expect(
    told(
      line(`${ANY6}:0050`, `${ANY6}:0000`, '0A'),
      line(`${A6}:C000`, `${B6}:01BB`, '01'),
      line(`${MA}:0050`, `${MB}:C000`, '08'),
    ),
  ).toEqual(['6 2001:db8::1 49152 > 2001:db8::2 443', '4 10.9.0.2 49152 > 10.9.0.1 80']);
});

test('what does not go on, begins, or stays on the host is left out', () => {
  const ends = [`${A}:C000`, `${B}:01BB`] as const;
  for (const state of ['02', '03', '06', '07', '0B']) expect(told(line(...ends, state))).toEqual([]);
  expect(told(line(`${LOOP}:C000`, `${LOOP}:01BB`, '01'))).toEqual([]);
  expect(told('nonsense')).toEqual([]);
});

test('containers are looked into when they are asked for, each network once, and not those without sockets', async () => {
  const proc = mkdtempSync(join(tmpdir(), 'proc-'));
  const add = (pid: string, namespace: string, sockstat: string, ...lines: string[]) => {
    mkdirSync(join(proc, pid, 'ns'), { recursive: true });
    mkdirSync(join(proc, pid, 'net'));
    symlinkSync(`net:[${namespace}]`, join(proc, pid, 'ns/net'));
    writeFileSync(join(proc, pid, 'net/sockstat'), `sockets: used 9\nTCP: inuse ${sockstat} orphan 0\n`);
    writeFileSync(join(proc, pid, 'net/tcp'), [HEAD, ...lines, ''].join('\n'));
  };
  const open = (port: string) => line(`${A}:${port}`, `${B}:01BB`, '01');
  add('self', '1', '3', open('C000'));
  add('10', '1', '3', open('C000'));
  add('20', '2', '1', open('C001'));
  add('21', '2', '1', open('C001'));
  add('30', '3', '0', open('C002'));
  const ports = async (containers: boolean) =>
    (await connections({ containers, proc })).map(({ source }) => source.port);
  try {
    expect(await ports(false)).toEqual([0xc000]);
    expect(await ports(true)).toEqual([0xc000, 0xc001]);
  } finally {
    rmSync(proc, { recursive: true });
  }
});
