import { expect, test } from 'vitest';
import { endOf } from '../../../clients/apoctl/commands/decide.ts';

test.each([
  ['app=web', { tags: ['app=web'] }],
  ['app=web,@org:cloud=aws', { tags: ['app=web', '@org:cloud=aws'] }],
  ['app=web@/acme/a', { tags: ['app=web'], namespace: '/acme/a' }],
  ['@app:x=a@b@/acme', { tags: ['@app:x=a@b'], namespace: '/acme' }],
  ['$name=web@/', { tags: ['$name=web'], namespace: '/' }],
  ['0190f3a1b2c3d4e5f6071829', { processingUnit: '0190f3a1b2c3d4e5f6071829' }],
  ['0190f3a1b2c3d4e5f6071829@/acme/a', { processingUnit: '0190f3a1b2c3d4e5f6071829', namespace: '/acme/a' }],
  ['198.51.100.7', { address: '198.51.100.7' }],
  ['2001:db8::1', { address: '2001:db8::1' }],
  ['packages.example.com', { name: 'packages.example.com' }],
  ['a.example.com@198.51.100.7', { address: '198.51.100.7', names: ['a.example.com'] }],
  [
    'a.example.com,b.example.com@2001:db8::1',
    { address: '2001:db8::1', names: ['a.example.com', 'b.example.com'] },
  ],
])('the end %s is %j', (text, end) => {
  expect(endOf(text)).toEqual(end);
});

test.each([
  ['', 'not empty'],
  ['app=web@/acme/', 'not `/acme/`'],
  ['198.51.100.7@/acme', 'leave out @/acme'],
  ['packages.example.com@/acme', 'leave out @/acme'],
])('the end `%s` is refused: %s', (text, why) => {
  expect(() => endOf(text)).toThrow(why);
});
