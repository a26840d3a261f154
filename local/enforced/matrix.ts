import { CONNECTIONS, type Connection, ENDS, PORTS } from './ends.ts';

export type Verdict = 'allow' | 'reject';

/** A connection as wanted, as the control plane evaluates it, and as the wire had it. */
export interface Measured extends Connection {
  evaluated: Verdict;
  wire: Verdict;
}

const sign = (verdict: Verdict): string => (verdict === 'allow' ? '✔' : '✘');
const agree = ({ wanted, evaluated, wire }: Measured): boolean => wanted === evaluated && wanted === wire;

const WIDTH = 14;
const NAME = 15;

const cell = (measured: Measured | undefined): string => {
  if (!measured) return '·';
  const { wanted, evaluated, wire } = measured;
  return `${sign(wanted)}${sign(evaluated)}${sign(wire)}${agree(measured) ? '' : ' !'}`;
};

/** The matrix as lines: sources down, destinations across, one block a port. */
export function matrixLines(measured: readonly Measured[]): string[] {
  const blocks = PORTS.flatMap(port => [
    '',
    `  ${`tcp/${port} to →`.padEnd(NAME)}${ENDS.map(({ name }) => name.padEnd(WIDTH)).join('')}`.trimEnd(),
    ...ENDS.map(from => {
      const cells = ENDS.map(to =>
        cell(measured.find(one => one.from === from && one.to === to && one.port === port)).padEnd(WIDTH),
      );
      return `  ${from.name.padEnd(NAME)}${cells.join('')}`.trimEnd();
    }),
  ]);
  const wrong = measured.filter(one => !agree(one)).length;
  return [
    '  Sources down, destinations across. In each place three signs: as wanted, as evaluated, as seen on the wire.',
    '  ✔ allowed, ✘ rejected, · neither end has an agent, so that nobody decides; ! marks a disagreement.',
    ...blocks,
    '',
    `  ${measured.length} of ${CONNECTIONS.length} connections tried, ${wrong} disagreements`,
  ];
}
