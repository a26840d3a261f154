import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { keyOf } from '../../shared/bundle/metadata.ts';
import { draftRoot, makeRoot, rootPath, signRoot } from '../../shared/bundle/root.ts';
import { trustRoot } from '../../shared/bundle/workflow.ts';
import { makeKeys } from '../make/keys.ts';
import { later } from '../make/repository.ts';

const keys = makeKeys();
const content = {
  threshold: 2,
  online: { targets: keys.targets.pem, snapshot: keys.snapshot.pem, timestamp: keys.timestamp.pem },
  version: 1,
  expires: later(0),
};
const rootKeys = keys.root.map(key => key.pem);
const [first, second, third] = keys.root;

describe('a root', () => {
  test('lists each key once, under the SHA-256 of its canonical JSON, with consistent snapshots', async () => {
    const root = trustRoot('root.json', await makeRoot({ ...content, rootKeys: keys.root })).signed;
    expect(Object.keys(root.keys)).toHaveLength(6);
    expect(root.roles.root).toMatchObject({ threshold: 2 });
    expect(root.roles.timestamp?.keyIDs).toEqual([keyOf(keys.timestamp.pem).keyID]);
    expect(root).toMatchObject({ version: 1, expires: '2026-11-02T08:00:00Z', consistentSnapshot: true });
  });

  test('may give one key several roles', async () => {
    const online = { targets: keys.targets.pem, snapshot: keys.targets.pem, timestamp: keys.targets.pem };
    const root = trustRoot('root.json', await makeRoot({ ...content, online, rootKeys: keys.root }));
    expect(Object.keys(root.signed.keys)).toHaveLength(4);
  });

  test('has the same bytes whatever the order of its keys, before it is signed', () => {
    expect(draftRoot({ ...content, rootKeys: rootKeys.toReversed() })).toEqual(
      draftRoot({ ...content, rootKeys }),
    );
  });

  test('is trusted when a threshold of its holders signed, one after the other', async () => {
    if (!first || !third) throw new Error('three root keys are made');
    const draft = draftRoot({ ...content, rootKeys });
    expect(() => trustRoot('root.json', draft)).toThrow(/signed by 0\/2 keys/);
    const once = await signRoot(draft, [third]);
    expect(() => trustRoot('root.json', once)).toThrow(/signed by 1\/2 keys/);
    const twice = await signRoot(once, [first]);
    expect(trustRoot('root.json', twice).signed.version).toBe(1);
    expect(rootPath(twice)).toBe('metadata/1.root.json');
  });

  test('does not count a holder who signs twice', async () => {
    if (!second) throw new Error('three root keys are made');
    const twice = await signRoot(await signRoot(draftRoot({ ...content, rootKeys }), [second]), [
      second,
      second,
    ]);
    expect(() => trustRoot('root.json', twice)).toThrow(/signed by 1\/2 keys/);
  });

  test.each([0, 4])('can not have the threshold %i with three keys', threshold => {
    expect(() => draftRoot({ ...content, rootKeys, threshold })).toThrow(
      `the threshold ${threshold}; give 1 to 3`,
    );
  });

  test('takes no key but ECDSA P-256', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    expect(() => draftRoot({ ...content, rootKeys: [...rootKeys, pem] })).toThrow('give an ECDSA P-256 key');
  });

  test('that is no root is named as such', () => {
    expect(() => rootPath(new TextEncoder().encode('{}'))).toThrow(/root\.json/);
  });
});
