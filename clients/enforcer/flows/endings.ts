/** What one connection, or all of them, came to: bytes both ways, and seconds from the first packet to the end. */
export interface Ending {
  bytes: number;
  seconds: number;
}

const NUMBERS = /\b(bytes|delta-time)=(\d+)/g;

/** One line of `conntrack -E -e DESTROY -o timestamp,extended,id`; undefined for any other line. */
export function readEnding(line: string): Ending | undefined {
  if (!/\[DESTROY\].* src=/.test(line)) return undefined;
  const ending = { bytes: 0, seconds: 0 };
  for (const [, key, value] of line.matchAll(NUMBERS))
    if (key === 'bytes') ending.bytes += Number(value);
    else ending.seconds += Number(value);
  return ending;
}

/** Sums up lines of `conntrack -E`, in pieces of any size. */
export class Endings {
  readonly sum = { ended: 0, bytes: 0, seconds: 0 };
  #rest = '';

  push(chunk: Buffer): void {
    const lines = (this.#rest + chunk.toString('latin1')).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#add(readEnding(line));
  }

  #add(ending: Ending | undefined): void {
    if (!ending) return;
    this.sum.ended++;
    this.sum.bytes += ending.bytes;
    this.sum.seconds += ending.seconds;
  }
}
