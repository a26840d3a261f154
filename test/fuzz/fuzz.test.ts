import { expect, test } from 'vitest';
import { fuzz } from './run.ts';
import { shown } from './shown.ts';

test('5,000 requests made from the OpenAPI document break no law', { timeout: 120_000 }, async () => {
  const report = await fuzz({ requests: 5000, seed: 20_210_305 });
  expect(report.findings, shown(report)).toEqual([]);
  // Not all of it is refused at the door: much is done, read and carried over.
  const done = [...report.counts.values()].reduce((total, of) => total + (of.get(200) ?? 0), 0);
  expect(done).toBeGreaterThan(report.requests / 5);
});
