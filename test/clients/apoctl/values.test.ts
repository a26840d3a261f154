import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attributesOf, joinPairs } from '../../../clients/apoctl/values.ts';
import { resourceOf } from '../../../shared/schema/resources.ts';

const name = fc.stringMatching(/^[A-Za-z]{1,12}$/);
const value = fc.string();

test('both forms of -k are the same, whatever the value', () => {
  fc.assert(
    fc.property(name, value, fc.constantFrom('-k', '--key'), (key, text, flag) => {
      const rest = ['-n', '/acme'];
      expect(joinPairs([flag, key, text, ...rest])).toEqual(joinPairs([flag, `${key}=${text}`, ...rest]));
    }),
  );
});

test('a name is sent as the very text that was typed', () => {
  const ns = resourceOf('namespace');
  fc.assert(
    fc.property(fc.stringMatching(/^[a-zA-Z0-9_-]{1,24}$/), text => {
      expect(attributesOf(ns, [`name=${text}`])).toEqual({ name: text });
    }),
  );
});

test('a wrong element is still sent as a list, so that the API refuses the element', () => {
  const resource = resourceOf('externalnetwork');
  expect(attributesOf(resource, ['entries=999.0.0.0/8'])).toEqual({ entries: ['999.0.0.0/8'] });
  expect(attributesOf(resource, ['unknown=[1]', 'other=x'])).toEqual({ unknown: [1], other: 'x' });
});

test('what follows -- is left alone', () => {
  expect(joinPairs(['--', '-k', 'a', 'b'])).toEqual(['--', '-k', 'a', 'b']);
});

test('no attribute reaches the prototype of objects', () => {
  const resource = resourceOf('externalnetwork');
  expect(() => attributesOf(resource, ['annotations.__proto__.x=1'])).toThrow('__proto__');
  expect(({} as Record<string, unknown>).x).toBeUndefined();
});
