import { describe, expect, test } from 'vitest';
import { effectiveNamespace } from '../../shared/core/namespace.ts';
import { NamespaceTree } from '../../shared/core/tree.ts';
import { DEFAULT_TAG_PREFIXES } from '../../shared/schema/tag.ts';
import { makeNamespace, objectId, pathOf } from './objects.ts';

const top = makeNamespace('/t', 1, {
  defaultPUIncomingTrafficAction: 'Allow',
  tagPrefixes: ['team='],
  organizationalMetadata: ['@org:unit=a'],
  defaultEnforcerVersion: '1.2.3',
});
const middle = makeNamespace('/t/a', 2, { tagPrefixEnforcement: 'Enforce', tagPrefixes: ['env=', 'team='] });
const leaf = makeNamespace('/t/a/x', 3, {
  defaultPUIncomingTrafficAction: 'Reject',
  organizationalMetadata: ['@org:unit=b'],
});

describe('the values that count in a namespace', () => {
  test('are Reject, Warn and the default prefixes where nobody has said anything', () => {
    expect(effectiveNamespace([])).toMatchObject({
      incoming: { value: 'Reject', namespace: '/' },
      outgoing: { value: 'Reject', namespace: '/' },
      tagPrefixEnforcement: { value: 'Warn', namespace: '/' },
      tagPrefixes: [...DEFAULT_TAG_PREFIXES].sort(),
      defaultEnforcerVersion: { value: '', namespace: '/' },
    });
  });

  test('come from the nearest that says something, and say where', () => {
    const values = effectiveNamespace([top, middle, leaf]);
    expect(values).toMatchObject({
      path: '/t/a/x',
      incoming: { value: 'Reject', namespace: '/t/a/x' },
      outgoing: { value: 'Reject', namespace: '/' },
      tagPrefixEnforcement: { value: 'Enforce', namespace: '/t/a' },
      defaultEnforcerVersion: { value: '1.2.3', namespace: '/t' },
    });
    expect(effectiveNamespace([top, middle]).incoming).toEqual({ value: 'Allow', namespace: '/t' });
  });

  test('add up for prefixes and organizational metadata; nothing inherited can be taken away', () => {
    const values = effectiveNamespace([top, middle, leaf]);
    expect(values.tagPrefixes).toEqual([...DEFAULT_TAG_PREFIXES, 'env=', 'team='].sort());
    expect(values.organizationalMetadata).toEqual(
      [...top.organizationalMetadata, ...leaf.organizationalMetadata].sort(),
    );
  });
});

describe('the tree of namespaces', () => {
  const tree = () => {
    const made = new NamespaceTree();
    for (const one of [leaf, top, middle]) made.put(one);
    return made;
  };

  test('gives the same values whatever the order', () => {
    expect(tree().effective(pathOf('/t/a/x'))).toEqual(effectiveNamespace([top, middle, leaf]));
  });

  test('sees a change of an ancestor', () => {
    const changed = tree();
    changed.effective(pathOf('/t/a/x'));
    changed.put({ ...top, defaultPUOutgoingTrafficAction: 'Allow' });
    expect(changed.effective(pathOf('/t/a/x')).outgoing).toEqual({ value: 'Allow', namespace: '/t' });
    changed.remove(objectId(1));
    expect(changed.effective(pathOf('/t/a')).incoming).toEqual({ value: 'Reject', namespace: '/' });
  });

  test('keeps a namespace whose predecessor of the same path goes late', () => {
    const made = tree();
    made.put({ ...leaf, ID: objectId(9) });
    made.remove(objectId(3));
    expect(made.at(pathOf('/t/a/x'))?.ID).toBe(objectId(9));
  });

  test('refuses a namespace that is not there', () => {
    expect(() => tree().effective(pathOf('/t/nowhere'))).toThrow('no namespace `/t/nowhere`');
  });
});
