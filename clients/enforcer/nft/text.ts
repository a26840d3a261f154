import type { Chain, KernelMap } from '../policy/model.ts';
import { type Epoch, FRESH } from './epoch.ts';

export const TABLE = 'inet prisma';

export const STAMP = 'stamp';

/** The digest and the epoch in a map of the table, so that they change with it and can be read back. */
export function stampElements(digest: string, epoch: Epoch): string[] {
  const words = Array.from({ length: 8 }, (_, at) => `0x${digest.slice(at * 7, at * 7 + 7)}`);
  return [...words, `0x${epoch.toString(16)}`].map((word, at) => `0x${at.toString(16)} : ${word}`);
}

export const add = (map: string, elements: readonly string[]): string[] =>
  elements.length === 0 ? [] : [`add element ${TABLE} ${map} { ${elements.join(', ')} }`];

export const drop = (map: string, keys: readonly string[]): string[] =>
  keys.length === 0 ? [] : [`delete element ${TABLE} ${map} { ${keys.join(', ')} }`];

/** One after the other: a map may have a hundred thousand. */
export function* elementTexts(elements: Iterable<readonly [string, string]>): Generator<string> {
  for (const [key, verdict] of elements) yield `${key} : ${verdict}`;
}

export const chainText = (name: string, { hook, rules }: Chain): string =>
  `chain ${name} {\n${[...(hook ? [hook] : []), ...rules].map(line => `\t${line}\n`).join('')}}\n`;

const mapText = (name: string, { type, interval }: KernelMap): string =>
  `map ${name} { type ${type}; ${interval ? 'flags interval; ' : ''}}\n`;

/** Elements for the sets of fresh peers. */
export const freshElements = (addresses: Iterable<string>): string[] => {
  const all = [...addresses];
  return [
    ...add(
      FRESH[4],
      all.filter(one => !one.includes(':')),
    ),
    ...add(
      FRESH[6],
      all.filter(one => one.includes(':')),
    ),
  ];
};

export const tableText = (parts: readonly string[]): string =>
  parts.length === 0 ? '' : `table ${TABLE} {\n${parts.join('')}}\n`;

export const declared = (maps: Iterable<readonly [string, KernelMap]>): string[] =>
  [...maps].map(([name, map]) => mapText(name, map));

export const lines = (commands: readonly string[]): string => commands.map(line => `${line}\n`).join('');
