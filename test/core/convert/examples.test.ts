import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { convert } from '../../../shared/core/convert/convert.ts';
import { FindingCode, LegacyExport } from '../../../shared/schema/conversion.ts';
import { networkrulesetpolicy } from '../../../shared/schema/networkrulesetpolicy.ts';

/** What `convert` takes, as written in examples/; its first comment says what it shows. */
const Example = z.strictObject({
  input: LegacyExport,
  ancestors: z.array(LegacyExport).default([]),
  suffix: z.string().default(''),
});

const folder = join(import.meta.dirname, 'examples');
const examples = readdirSync(folder).map(file => ({
  file,
  example: Example.parse(parse(readFileSync(join(folder, file), 'utf8'))),
}));
const converted = examples.map(({ file, example: { input, ...options } }) => ({
  file,
  options,
  result: convert(input, options),
}));

describe.each(converted)('$file', ({ file, options, result }) => {
  it('is converted as in golden/', async () => {
    await expect(stringify(result, { lineWidth: 0 })).toMatchFileSnapshot(join('golden', file));
  });

  it('makes rulesets that the API takes', () => {
    for (const { namespace: _, ...ruleset } of result.export.data.networkrulesetpolicies ?? []) {
      const { success, data, error } = networkrulesetpolicy.input.safeParse(ruleset);
      expect(success, error?.message).toBe(true);
      if (data) expect(networkrulesetpolicy.rules?.(data)).toEqual([]);
    }
  });

  it('stays as it is when it is converted again', () => {
    expect(convert(result.export, options).export).toEqual(result.export);
  });
});

it('shows every finding there is', () => {
  const shown = new Set(converted.flatMap(({ result }) => result.findings.map(({ code }) => code)));
  expect(FindingCode.options.filter(code => !shown.has(code))).toEqual([]);
});
