import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Format, objectOf, readDocument } from '../../../functions/import/document/read.ts';

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const read = (text: string, format: Format = 'json', size = 7) =>
  readDocument(chunksOf(Buffer.from(text), size), format);

const objects = async (text: string, format: Format = 'json', size = 7) => {
  const { pieces } = await read(text, format, size);
  return pieces.map(piece => [piece.plural, piece.index, objectOf(piece)]);
};

/** What is hard to find the end of. */
const awkward = fc.constantFrom(
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\',
  ',',
  ':',
  '- x',
  '#',
  '\n  - y',
  'ä',
  '🌍',
  '---',
);
const text = fc
  .array(fc.oneof(awkward, fc.string({ maxLength: 5 })), { maxLength: 6 })
  .map(all => all.join(''));
const value = fc.letrec(tie => ({
  any: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('any'), { maxLength: 3 }),
  object: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), tie('any'), { maxKeys: 4 }),
})).object;
const plural = fc.constantFrom('externalnetworks', 'namespaces', 'data', 'label', 'enforcerprofiles');
const file = fc.record(
  {
    APIVersion: fc.constantFrom(0, 1),
    label: text,
    identities: fc.array(text, { maxLength: 3 }),
    data: fc.dictionary(plural, fc.array(value, { maxLength: 4 }), { maxKeys: 3 }),
  },
  { requiredKeys: ['data'] },
);

const wanted = (data: Record<string, unknown[]>) =>
  Object.entries(data).flatMap(([name, list]) => list.map((object, index) => [name, index, object]));

const numbered = (count: number, one: (at: number) => string, between: string): string =>
  Array.from({ length: count }, (_, at) => one(at)).join(between);
const laughs = (count: number, of: (at: number) => string): string =>
  `${numbered(count, at => `a${at + 1}: &a${at + 1} ${of(at)}`, '\n')}\ndata: {namespaces: [*a${count}]}`;

describe('an export that comes in pieces', () => {
  it('gives each object with its place, wherever the pieces are cut and however it is laid out', async () => {
    await fc.assert(
      fc.asyncProperty(
        file,
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 3 }),
        async (all, size, tab) => {
          expect(await objects(JSON.stringify(all, null, tab), 'json', size)).toEqual(
            wanted(JSON.parse(JSON.stringify(all.data))),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is the same as YAML, in blocks and in flow style', async () => {
    const layouts = [{}, { indentSeq: false }, { indent: 4 }, { collectionStyle: 'flow' }] as const;
    await fc.assert(
      fc.asyncProperty(file, fc.constantFrom(...layouts), async (all, layout) => {
        const laid = stringify(all, { aliasDuplicateObjects: false, ...layout });
        const whole: { data: Record<string, unknown[]> } = JSON.parse(JSON.stringify(parse(laid)));
        expect(await objects(laid, 'yaml')).toEqual(wanted(whole.data));
      }),
      { numRuns: 200 },
    );
  });

  it('is taken just when the whole is JSON, whatever byte is changed', async () => {
    await fc.assert(
      fc.asyncProperty(file, fc.nat(), fc.constantFrom(...'{}[]",:x0 '), async (all, at, by) => {
        const whole = JSON.stringify(all);
        const changed = `${whole.slice(0, at % whole.length)}${by}${whole.slice((at % whole.length) + 1)}`;
        let isJson = true;
        try {
          JSON.parse(changed);
        } catch {
          isJson = false;
        }
        const taken = await objects(changed).then(
          () => true,
          () => false,
        );
        // JSON of another shape is no export.
        expect(taken && !isJson).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('reads its head', async () => {
    const { head } = await read(
      '{"label":"a","APIVersion":0,"data":{"namespaces":[{}]},"identities":["namespace"]}',
    );
    expect(head).toEqual({ label: 'a', APIVersion: 0, identities: ['namespace'] });
  });

  it('says how to write YAML that is too large to be read in one', async () => {
    const pad = 'x'.repeat(1_100_000);
    const anchors = `# ${pad}\ndata:\n  namespaces:\n    - &a {name: a}\n    - <<: *a\n`;
    await expect(read(anchors, 'yaml', 65_536)).rejects.toMatchObject({
      kind: 'too_large',
      message: expect.stringContaining('an item of a block list, without anchors of others'),
    });
    const wrong = `# ${pad}\ndata:\n  namespaces:\n    - name: a\n    - name: [\n`;
    await expect(read(wrong, 'yaml', 65_536)).rejects.toMatchObject({
      message: expect.stringMatching(/^data\.namespaces\[1\] is not YAML/),
    });
  });

  it('takes as many levels in blocks and in brackets as nothing here needs', async () => {
    const blocks = numbered(50, at => `${' '.repeat(at)}a:`, '\n');
    expect(
      (await read(`data:\n  namespaces:\n    - name: b\nx:\n${blocks.replace(/^/gm, ' ')} 1`, 'yaml')).pieces,
    ).toHaveLength(1);
    const json = JSON.stringify({ data: { namespaces: [{ name: 'b', x: { y: [[{ z: [1] }]] } }] } }, null, 2);
    expect((await read(json, 'yaml')).pieces).toHaveLength(1);
  });

  /** Each took from seconds to minutes, or all memory, when it was read by the parser as it comes. */
  it.each([
    ['keys', `data:\n  namespaces:\n    - ${numbered(30_000, at => `k${at}: 1`, '\n      ')}`, 'ok'],
    ['keys in flow style', `data: {namespaces: [{${numbered(30_000, at => `k${at}: 1`, ', ')}}]}`, 'ok'],
    ['brackets', `data: ${'['.repeat(500_000)}`, 'more than 64 levels deep'],
    ['dashes', `data:\n  ${'- '.repeat(200_000)}`, 'more than 64 levels deep'],
    ['questions', '? '.repeat(200_000), 'more than 64 levels deep'],
    ['levels of blocks', numbered(1300, at => `${' '.repeat(at)}a:`, '\n'), 'more than 64 levels deep'],
    ['mistakes', `data: ${'!a '.repeat(100_000)}`, 'at most one tag at line 1, column 10'],
    ['aliases', `x: &a 1\ny: [${'*a,'.repeat(50_000)}]\ndata: {}`, 'Excessive alias count'],
    ['aliases of aliases', `a0: &a0 [1]\n${laughs(20, at => `[*a${at}, *a${at}]`)}`, 'Excessive alias count'],
    [
      'merges of merges',
      `a0: &a0 {k: 1}\n${laughs(20, at => `{<<: [*a${at}, *a${at}]}`)}`,
      'Excessive alias count',
    ],
  ])('is done with many %s soon', { timeout: 60_000 }, async (_, bomb, words) => {
    // Once is enough, since others may use the machine.
    for (let tries = 0; tries < 3; tries += 1) {
      const begun = performance.now();
      const said = await read(bomb, 'yaml', 65_536).then(
        () => 'ok',
        (error: Error) => error.message,
      );
      expect(said).toContain(words);
      if (performance.now() - begun < 10_000) return;
    }
    expect.fail('it took more than 10 seconds each time');
  });

  it.each(['a: 1, a: 2', '"a": 1, a: 2', '1: 1, 1: 2'])(
    'refuses a key that stands twice in YAML: %s',
    async map => {
      await expect(read(`data: {namespaces: [{${map}}]}`, 'yaml')).rejects.toMatchObject({
        kind: 'invalid',
        message: expect.stringContaining('stands twice'),
      });
    },
  );

  it('follows anchors from one object to another in YAML', async () => {
    const yaml = 'data:\n  namespaces:\n    - &a {name: a}\n    - <<: *a\n      type: Group\n';
    expect(await objects(yaml, 'yaml')).toEqual([
      ['namespaces', 0, { name: 'a' }],
      ['namespaces', 1, { name: 'a', type: 'Group' }],
    ]);
  });

  it.each([
    ['{"data":{"a":[{}],"a":[{}]}}', 'json', 'data.a stands twice'],
    ['{"data":{"a":[{}],"a":[]}}', 'json', 'data.a stands twice'],
    ['{"data":{"a":[{}]},"data":{}}', 'json', 'data.a stands twice'],
    ['{"data":{"a":[{},1]}}', 'json', 'data.a[1] must be an object'],
    ['{"data":{"a":[{},null]}}', 'json', 'data.a[1] must be an object'],
    ['{"data":{"a":{}}}', 'json', 'data.a must be a list of objects'],
    ['{"data":{"a":[{}', 'json', 'the document is not JSON'],
    ['{"data":{"a":[{"b":1', 'json', 'ends within'],
    ['{"data":{"a":[{}]}', 'json', 'the document is not JSON'],
    ['{"data":{"a":[{"b":tru}]}}', 'json', 'data.a[0] is not JSON'],
    ['{"data":{"a":[{"b":"\\ud800"}]}}', 'json', 'data.a[0] has half a surrogate pair'],
    [`{"data":{"a":[{"b":${'['.repeat(99)}${']'.repeat(99)}}]}}`, 'json', 'data.a[0] is more than 64 levels'],
    ['{"data":{"a":[],"APIVersion":1}}', 'json', 'data.APIVersion must be a list'],
    ['{"data":3}', 'json', "Attribute 'data'"],
    ['{"APIVersion":7,"data":{}}', 'json', "Attribute 'APIVersion'"],
    ['[]', 'json', 'no object'],
    ['data:\n  a:\n    - b: 1\n---\ndata: {}\n', 'yaml', 'several documents'],
    ['data:\n  a:\n    - 7\n', 'yaml', 'data.a[0] must be an object'],
    ['data:\n  a:\n    - b: [\n', 'yaml', 'is not YAML'],
  ] as const)('refuses %j', async (sent, format, words) => {
    await expect(objects(sent, format)).rejects.toMatchObject({ message: expect.stringContaining(words) });
  });
});
