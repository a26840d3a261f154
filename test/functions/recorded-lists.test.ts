import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
let tenant: string;
const made: string[] = [];
beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
  for (const label of ['first', 'second', 'third']) {
    plane.clock.advance(1000);
    const { text } = await plane.root('POST /imports', tenant, { body: { label, size: 1 } });
    made.push(JSON.parse(text).ID);
  }
});
afterAll(() => plane.stop());

const labels = async (query: string): Promise<string[]> => {
  const answered = await plane.root(`GET /imports${query}`, tenant);
  expect(answered.status, answered.text).toBe(200);
  return JSON.parse(answered.text).map(({ label }: { label: string }) => label);
};

describe('a list of what workflows keep', () => {
  it('is filtered, sorted and cut like any other', async () => {
    expect(await labels('')).toEqual(['third', 'second', 'first']);
    expect(await labels(`?q=ID==${made[1]}`)).toEqual(['second']);
    expect(await labels('?order=label&pagesize=2')).toEqual(['first', 'second']);
    expect(await labels('?page=2&pagesize=2')).toEqual(['first']);
  });

  it.each(['/imports', '/enforcerupgrades'] as const)('%s says what it cannot be asked', async path => {
    for (const query of ['q=colour==red', 'order=colour', 'limit=1'])
      expect((await plane.root(`GET ${path}?${query}`, tenant)).status, query).toBe(400);
    expect((await plane.root(`GET ${path}?q=ID==${made[0]}`, await plane.tenant())).list).toEqual([]);
  });
});
