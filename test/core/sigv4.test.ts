import { expect, test } from 'vitest';
import { signV4 } from '../../shared/core/sigv4.ts';

/** "GET Object" and "Get bucket lifecycle" of the examples in the S3 API reference, "Authenticating Requests". */
const credentials = {
  accessKeyID: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const at = { service: 's3', region: 'us-east-1', now: new Date('2013-05-24T00:00:00.000Z') };

test.each([
  [
    'https://examplebucket.s3.amazonaws.com/test.txt',
    { range: 'bytes=0-9' },
    'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  ],
  [
    'https://examplebucket.s3.amazonaws.com/?lifecycle=',
    {},
    'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  ],
])('signs %s as the vendor’s example does', (url, headers, signature) => {
  const signed = signV4({ method: 'GET', url: new URL(url), headers }, credentials, at);
  expect(signed.authorization).toMatch(new RegExp(`Signature=${signature}$`));
});

test('signs the session token, and another one gives another signature', () => {
  const url = new URL('https://examplebucket.s3.amazonaws.com/test.txt');
  const [one, two] = ['one', 'two'].map(sessionToken =>
    signV4({ method: 'GET', url }, { ...credentials, sessionToken }, at),
  );
  expect(one?.['x-amz-security-token']).toBe('one');
  expect(one?.authorization).toContain('x-amz-security-token');
  expect(one?.authorization).not.toBe(two?.authorization);
});
