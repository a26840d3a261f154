import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const folders = ['shared', 'functions', 'cdk', 'local', 'clients'];
/** The only places that read the environment: what they find is parsed there and handed on. */
const readers = /^(functions\/compose\.ts|clients\/[a-z]+\/main\.ts)$/;

const sources = folders.flatMap(folder =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(folder, name)),
);

test('process.env is read in functions/compose.ts and clients/*/main.ts only', () => {
  const found = sources.filter(
    path => !readers.test(path) && readFileSync(path, 'utf8').includes('process.env'),
  );
  expect(found).toEqual([]);
});
