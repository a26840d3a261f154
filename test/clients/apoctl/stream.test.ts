import { expect, test } from 'vitest';
import { eventPrinter } from '../../../clients/apoctl/stream.ts';

const EVENT = {
  encoding: 'application/json',
  entity: { ID: '1', name: 'two\u001b[31m' },
  identity: 'namespace',
  timestamp: '2026-03-01T12:00:00.000Z',
  type: 'create',
} as unknown as Parameters<ReturnType<typeof eventPrinter>>[0];

test('lines of a template are lines, and what stands in an event moves nothing', () => {
  const print = eventPrinter({ output: 'template', template: '{{ .type }}\n\t{{ .entity.name }}' });
  expect(print(EVENT)).toBe('create\n\ttwo\\x1b[31m\n');
});
