import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Comparison, type Seen } from '../../../../clients/enforcer/nft/compare.ts';
import { epochChains, type Standing } from '../../../../clients/enforcer/nft/epoch.ts';
import { TableReader } from '../../../../clients/enforcer/nft/listing.ts';
import { stampElements } from '../../../../clients/enforcer/nft/text.ts';
import { AddressTable } from '../../../../clients/enforcer/policy/address-table.ts';
import { ClassMap } from '../../../../clients/enforcer/policy/class-map.ts';
import { type Chain, type KernelMap, type Model, packed } from '../../../../clients/enforcer/policy/model.ts';
import { numberIn } from '../../../../clients/enforcer/policy/numbers.ts';

const STANDING: Standing = { epoch: 0x1001, fresh: new Set() };
const DIGEST = '0123456'.repeat(8);

const peers = (elements: Iterable<[string, string]>): KernelMap => {
  const table = new AddressTable([...elements].map(([address, number]) => [address, numberIn(number)]));
  return {
    ...{ holds: 'peers', type: 'ipv4_addr : classid', interval: false },
    elements: ClassMap.around(table),
  };
};

/** A table as nft prints it: what is in it, line by line. */
type Table = { head: string; lines: string[] }[];

const elementsOf = (texts: readonly string[], across: number): string[] =>
  texts.map((text, at) => {
    const start = at === 0 ? 'elements = { ' : at % across === 0 ? '\t     ' : '';
    return `${start}${text}${at === texts.length - 1 ? ' }' : ', '}`;
  });

/** Pieces of a line that belong together. */
function joined(pieces: readonly string[]): string[] {
  const lines: string[] = [];
  for (const piece of pieces)
    if (lines.length === 0 || piece.startsWith('\t')) lines.push(piece);
    else lines.push(`${lines.pop()}${piece}`);
  return lines.map(line => line.trimEnd());
}

const tableOf = (model: Model): Table => [
  {
    head: 'map stamp',
    lines: joined(
      elementsOf(
        stampElements(model.digest, STANDING.epoch).map(text =>
          text.replace(/0x(\w+)/g, (_, x) => `0x${x.padStart(8, '0')}`),
        ),
        4,
      ),
    ),
  },
  {
    head: 'set tally',
    lines: joined(
      elementsOf(
        [...model.counters].map(one => `${one} counter`),
        100,
      ),
    ),
  },
  ...[...model.maps].map(([name, { elements }]) => ({
    head: `map ${name}`,
    lines: joined(
      elementsOf(
        [...elements].map(([key, value]) => `${key} : ${value}`),
        2,
      ),
    ),
  })),
  ...[...epochChains(STANDING), ...model.chains].map(([name, { rules }]) => ({
    head: `chain ${name}`,
    lines: [...rules],
  })),
];

const textOf = (table: Table): string =>
  `table inet prisma {\n${table.map(({ head, lines }) => `\t${head} {\n${lines.map(line => `\t\t${line}\n`).join('')}\t}\n`).join('\n')}}\n`;

function compared(model: Model, table: Table, seen: Seen = new Map()): Comparison {
  const comparison = new Comparison(model, STANDING, seen);
  const reader = new TableReader(comparison);
  for (const line of textOf(table).split('\n')) reader.line(line);
  return comparison;
}

const number = fc
  .integer({ min: 1, max: 0xfffe })
  .map(one => `${one.toString(16)}:${((one * 7) % 0xffff).toString(16)}`);
const address = fc
  .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 255 }))
  .map(([a, b]) => `10.0.${a}.${b}`);
const rule = fc.constantFrom('goto side_in', 'iif "lo" accept', 'meta l4proto tcp goto c_1', 'drop');
const chains = fc.uniqueArray(
  fc.tuple(
    fc.nat(50).map(at => `c_${at}`),
    fc.array(rule, { maxLength: 5 }),
  ),
  { selector: ([name]) => name, minLength: 1, maxLength: 6 },
);
const models: fc.Arbitrary<Model> = fc
  .record({
    chains,
    singles: fc.uniqueArray(fc.tuple(address, number), {
      selector: ([one]) => one,
      minLength: 1,
      maxLength: 12,
    }),
    classes: fc.uniqueArray(fc.tuple(number, fc.constantFrom('goto c_1', 'goto c_2')), {
      ...{ selector: ([one]: [string, string]) => one, minLength: 1, maxLength: 6 },
    }),
    counters: fc.uniqueArray(number, { minLength: 1, maxLength: 6 }),
  })
  .map(({ chains: rules, singles, classes, counters }) => ({
    chains: new Map(rules.map(([name, texts]): [string, Chain] => [name, packed(texts)])),
    maps: new Map<string, KernelMap>([
      ['p4_1', peers(singles)],
      [
        'k_1_in',
        { holds: 'classes', type: 'classid : verdict', interval: false, elements: new Map(classes) },
      ],
    ]),
    counters: new Set(counters),
    meanings: new Map(),
    digest: DIGEST,
    warnings: [],
  }));

test('what is listed as it should be does not differ, and neither does it the next time', () => {
  fc.assert(
    fc.property(models, model => {
      const seen: Seen = new Map();
      const first = compared(model, tableOf(model), seen);
      expect(first.difference).toBe('');
      first.learn();
      expect(compared(model, tableOf(model), seen).difference).toBe('');
    }),
  );
});

/** Text of one line, with one of its elements or words another, gone, or there twice. */
const spoiled = (line: string, how: 'gone' | 'another'): string | undefined =>
  how === 'gone' ? undefined : line.replace(/[0-9a-f](?=\D*$)/, digit => (digit === '1' ? '2' : '1'));

test('any one line that is gone, or says something else, differs from what was seen', () => {
  fc.assert(
    fc.property(models, fc.nat(), fc.constantFrom('gone', 'another'), (model, at, how) => {
      const seen: Seen = new Map();
      compared(model, tableOf(model), seen).learn();
      const table = tableOf(model);
      const places = table.flatMap(part => part.lines.map((_, line) => ({ part, line })));
      const place = places[at % places.length];
      if (!place) return;
      const { part, line } = place;
      const before = part.lines[line] ?? '';
      const after = spoiled(before, how as 'gone' | 'another');
      fc.pre(after !== before && !(part.head === 'map stamp' && /0x00000008 : /.test(before)));
      part.lines.splice(line, 1, ...(after === undefined ? [] : [after]));
      expect(compared(model, table, seen).difference).not.toBe('');
    }),
    { numRuns: 500 },
  );
});

test('any part that is gone, any chain that is not ours, and an element too many differ', () => {
  fc.assert(
    fc.property(models, fc.nat(), (model, at) => {
      const seen: Seen = new Map();
      compared(model, tableOf(model), seen).learn();
      const without = tableOf(model);
      without.splice(at % without.length, 1);
      expect(compared(model, without, seen).difference).not.toBe('');
      const strange = [...tableOf(model), { head: 'chain strange', lines: ['accept'] }];
      expect(compared(model, strange, seen).difference).toBe('chains are not ours: strange');
      const more = tableOf(model);
      more.find(({ head }) => head === 'map p4_1')?.lines.push('\t     192.0.2.1 : 1:1 }');
      expect(compared(model, more, seen).difference).toBe('elements differ in p4_1');
    }),
  );
});

test('an element that is listed twice does not stand for one that is gone', () => {
  const model: Model = {
    ...{ chains: new Map(), counters: new Set<string>(), meanings: new Map(), digest: DIGEST, warnings: [] },
    maps: new Map([
      [
        'p4_1',
        peers([
          ['10.0.0.1', '1:1'],
          ['10.0.0.2', '1:1'],
        ]),
      ],
    ]),
  };
  const table = tableOf(model);
  const part = table.find(({ head }) => head === 'map p4_1');
  part?.lines.splice(0, 1, 'elements = { 10.0.0.1 : 1:1, 10.0.0.1 : 1:1 }');
  expect(compared(model, table).difference).toBe('elements differ in p4_1');
});

test('a rule that is another one differs only from what was seen of its chain', () => {
  const model: Model = {
    ...{ maps: new Map(), counters: new Set<string>(), meanings: new Map(), digest: DIGEST, warnings: [] },
    chains: new Map([['c_1', packed(['accept'])]]),
  };
  const table = tableOf(model);
  table.find(({ head }) => head === 'chain c_1')?.lines.splice(0, 1, 'drop');
  // nft may print a rule in other words than it was given.
  expect(compared(model, table).difference).toBe('');
  const seen: Seen = new Map();
  compared(model, tableOf(model), seen).learn();
  expect(compared(model, table, seen).difference).toBe('rules differ in c_1');
});
