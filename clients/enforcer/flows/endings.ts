/** A connection that ended, as the kernel's connection tracking tells it. */
export interface Ending {
  source: string;
  destination: string;
  protocol: number;
  /** Destination port; 0 for protocols without ports. */
  port: number;
  /** Of the rule that allowed it. */
  mark: number;
  /** Bytes both ways, and seconds from its first packet to its end. */
  bytes: number;
  seconds: number;
}

/**
 * One line of `conntrack -E -e DESTROY -o timestamp,extended,id`. The first of two equal keys is of the direction in
 * which the connection was begun. Undefined for any other line.
 */
export function readEnding(line: string): Ending | undefined {
  if (!line.includes('[DESTROY]')) return undefined;
  const first = new Map<string, string>();
  let bytes = 0;
  for (const [, key = '', value = ''] of line.matchAll(/\b([a-z-]+)=(\S+)/g)) {
    if (key === 'bytes') bytes += Number(value);
    if (!first.has(key)) first.set(key, value);
  }
  const protocol = Number(/\bipv[46]\s+\d+\s+\S+\s+(\d+)/.exec(line)?.[1]);
  const source = first.get('src');
  const destination = first.get('dst');
  if (!source || !destination || !Number.isInteger(protocol)) return undefined;
  return {
    source,
    destination,
    protocol,
    port: Number(first.get('dport') ?? 0),
    mark: Number(first.get('mark') ?? 0),
    bytes,
    seconds: Number(first.get('delta-time') ?? 0),
  };
}

/** Sums of what ended, by mark: how many connections, how many bytes, for how long. */
export interface Sum {
  ended: number;
  bytes: number;
  seconds: number;
}

/** Lines of `conntrack -E` in pieces of any size. */
export class Endings {
  readonly byMark = new Map<number, Sum>();
  #rest = '';

  push(chunk: Buffer): void {
    const lines = (this.#rest + chunk.toString('latin1')).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const ending = readEnding(line);
      if (ending) this.#add(ending);
    }
  }

  #add({ mark, bytes, seconds }: Ending): void {
    const sum = this.byMark.get(mark) ?? { ended: 0, bytes: 0, seconds: 0 };
    this.byMark.set(mark, {
      ended: sum.ended + 1,
      bytes: sum.bytes + bytes,
      seconds: sum.seconds + seconds,
    });
  }
}
