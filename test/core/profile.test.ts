import { describe, expect, test } from 'vitest';
import { type ProfileEntry, type ProfileMappingEntry, profileOf } from '../../shared/core/profile.ts';
import type { Tag } from '../../shared/schema/tag.ts';
import { objectId, pathOf } from './objects.ts';

const tags = (...list: string[]) => list as Tag[];
const profile = (id: number, namespace: string, ...own: string[]): ProfileEntry => ({
  ID: objectId(id),
  name: `profile-${id}`,
  namespace: pathOf(namespace),
  tags: tags(...own),
});
const mapping = (id: number, namespace: string, object: string, more: Partial<ProfileMappingEntry> = {}) => ({
  ID: objectId(id),
  name: `mapping-${id}`,
  namespace: pathOf(namespace),
  fallback: false,
  subject: [tags('$identity=enforcer')],
  object: [tags(object)],
  updateTime: '2021-03-05T00:00:00.000Z',
  ...more,
});

const enforcer = tags('$identity=enforcer', '$name=one');
const profiles = [profile(1, '/', 'profile=a'), profile(2, '/t', 'profile=b')];

const chosen = (...mappings: ProfileMappingEntry[]) => {
  const one = profileOf(enforcer, mappings, profiles);
  expect(profileOf(enforcer, mappings.toReversed(), profiles.toReversed())).toEqual(one);
  return one && [one.profile.name, one.because];
};

describe('the profile of an enforcer', () => {
  test('is none when no mapping selects the enforcer, or no profile is there for it', () => {
    expect(chosen(mapping(10, '/t', 'profile=a', { subject: [tags('$name=other')] }))).toBeUndefined();
    expect(chosen(mapping(10, '/t', 'profile=nowhere'))).toBeUndefined();
  });

  test('is the only one that a mapping names', () => {
    expect(chosen(mapping(10, '/', 'profile=a'))).toEqual(['profile-1', 'the only one']);
  });

  test('comes from the nearest namespace first', () => {
    expect(chosen(mapping(10, '/', 'profile=a'), mapping(11, '/t', 'profile=b', { fallback: true }))).toEqual(
      ['profile-2', 'nearest namespace'],
    );
  });

  test('then from one that is no fallback', () => {
    const fallback = mapping(10, '/t', 'profile=a', {
      fallback: true,
      updateTime: '2022-01-01T00:00:00.000Z',
    });
    expect(chosen(fallback, mapping(11, '/t', 'profile=b'))).toEqual(['profile-2', 'not a fallback']);
  });

  test('then from the mapping that was updated last', () => {
    const later = mapping(11, '/t', 'profile=b', { updateTime: '2021-03-05T00:00:00.001Z' });
    expect(chosen(mapping(10, '/t', 'profile=a'), later)).toEqual(['profile-2', 'updated last']);
  });

  test('then from the lower mapping ID', () => {
    expect(chosen(mapping(10, '/t', 'profile=a'), mapping(11, '/t', 'profile=b'))).toEqual([
      'profile-1',
      'lowest mapping ID',
    ]);
  });

  test('of several that one mapping names is the nearest', () => {
    expect(chosen(mapping(10, '/t', 'profile=*'))).toEqual(['profile-2', 'nearest profile']);
  });
});
