import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect } from '../../../clients/host/collect.ts';
import { hostAt } from '../../../clients/host/host.ts';
import { HostFacts } from '../../../shared/schema/host-facts.ts';
import { type Terminal, terminal } from '../apoctl/terminal.ts';

const fixtures = join(import.meta.dirname, 'fixtures');
const golden = (name: string): string => join(import.meta.dirname, 'golden', name);
const hosts = readdirSync(fixtures).sort();
let user: Terminal;
beforeAll(async () => {
  user = await terminal();
});
afterAll(() => user.leave());

describe.each(hosts)('a host like %s', name => {
  it('tells facts that follow their schema', async () => {
    const facts = await collect(hostAt(join(fixtures, name)));
    expect(HostFacts.parse(facts)).toEqual(facts);
  });

  it('is judged as in the golden file, and stops an install when a check fails', async () => {
    const { code, out, err } = await user.type(
      'enforcer',
      'preflight',
      '--offline',
      '--root',
      join(fixtures, name),
    );
    await expect(`${out}${err}`).toMatchFileSnapshot(golden(`${name}.txt`));
    expect(code).toBe(out.includes('FAIL') ? 1 : 0);
  });
});

it('facts that were collected elsewhere are judged alike', async () => {
  const root = join(fixtures, 'debian-12');
  const { out: facts } = await user.type('enforcer', 'preflight', '--offline', '--root', root, '-o', 'facts');
  const { writeFileSync } = await import('node:fs');
  const file = join(user.home, 'facts.json');
  writeFileSync(file, facts);
  const here = await user.type('enforcer', 'preflight', '--offline', '--root', root);
  const there = await user.type('enforcer', 'preflight', '--offline', '--facts', file);
  expect(there).toEqual(here);
});

it('this host tells facts, and is judged without a fault', async () => {
  const facts = HostFacts.parse(await collect(hostAt('/')));
  expect(facts.processors).toBeGreaterThan(0);
  expect(facts.memory).toBeGreaterThan(0);
  expect(facts.kernel).toMatch(/^\d+\.\d+/);
});

it('offline nothing can be forced', async () => {
  const { code, err } = await user.type('enforcer', 'preflight', '--offline', '--force-check', 'memory');
  expect([code, err]).toEqual([2, expect.stringContaining('leave out --offline or --force-check')]);
});
