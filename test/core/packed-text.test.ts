import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PackedBytes } from '../../shared/core/packed.ts';
import { PackedText } from '../../shared/core/packed-text.ts';

/** Of any size, among them some that fill a pile or are larger than one. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc
    .tuple(fc.string({ unit: 'grapheme', minLength: 1 }), fc.integer({ min: 1, max: 40_000 }))
    .map(([part, times]) => part.repeat(times).slice(0, 150_000).toWellFormed()),
);

test('a text is what it was, whether it was packed meanwhile, and whatever came before and after it', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(text, fc.boolean()), { maxLength: 12 }), texts => {
      const held = texts.map(([one, packsThen]) => {
        const packed = new PackedText(one);
        if (packsThen) PackedBytes.packAll();
        return packed;
      });
      for (const at of [...texts.keys()].reverse()) expect(held[at]?.text === texts[at]?.[0]).toBe(true);
      PackedBytes.packAll();
      for (const [at, [one]] of texts.entries()) expect(held[at]?.text === one).toBe(true);
    }),
    { numRuns: 60 },
  );
});
