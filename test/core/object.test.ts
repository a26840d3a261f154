import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newObject, newObjectId, normalizedTags, touch } from '../../shared/core/object.ts';
import { LONGEST_PATH, NamespacePath, ObjectId, ROOT } from '../../shared/schema/ids.ts';
import { type Identity, type InputOf, resources } from '../../shared/schema/resources.ts';
import { Tag } from '../../shared/schema/tag.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const ID = ObjectId.parse('0123456789ab0123456789ab');
const PARENT = NamespacePath.parse('/t');
const tags = (...list: string[]) => list.map(tag => Tag.parse(tag));

const made = <I extends Identity>(
  identity: I,
  fields: Record<string, unknown>,
  namespace = PARENT,
  organization = tags(),
) =>
  newObject(identity, resources[identity].input.parse(fields) as InputOf<I>, {
    id: ID,
    namespace,
    now: NOW,
    organization,
  });

describe('an ID', () => {
  it('holds its time in front and chance behind', () => {
    expect(newObjectId(NOW, size => new Uint8Array(size).fill(0xab))).toBe('019ca9450a00abababababab');
  });

  it('sorts by time', () => {
    const time = fc.integer({ min: 0, max: 2 ** 42 });
    const chance = fc.uint8Array({ minLength: 6, maxLength: 6 });
    const id = (ms: number, bytes: Uint8Array) => newObjectId(new Date(ms), () => bytes);
    fc.assert(
      fc.property(time, chance, time, chance, (a, bytesA, b, bytesB) => {
        if (a !== b) expect(id(a, bytesA) < id(b, bytesB)).toBe(a < b);
      }),
    );
  });
});

describe('a new object', () => {
  it('has its times, its tags in order, and the defaults of what nobody may write', () => {
    const object = made('cloudaccount', {
      name: 'n',
      accountID: '1',
      provider: 'aws',
      associatedTags: ['b=1', 'a=1', 'a=1'],
      metadata: ['@x=1'],
    });
    expect(object).toMatchObject({
      ID,
      namespace: '/t',
      createTime: '2026-03-01T12:00:00.000Z',
      updateTime: '2026-03-01T12:00:00.000Z',
      status: 'Pending',
    });
    expect(object.normalizedTags).toEqual([
      `$id=${ID}`,
      '$identity=cloudaccount',
      '$name=n',
      '$namespace=/t',
      '@x=1',
      'a=1',
      'b=1',
    ]);
  });

  it('shows the type and the images of a processing unit as tags', () => {
    const { normalizedTags: shown } = made('processingunit', {
      name: 'n',
      type: 'Docker',
      images: ['nginx:1', 'app:2'],
    });
    expect(shown).toEqual(expect.arrayContaining(['$type=Docker', '$image=nginx:1', '$image=app:2']));
  });

  it('takes over the organizational metadata of its namespace where its resource says so, once', () => {
    const organization = tags('@org:tenant=t', '@org:group=g');
    const fields = { name: 'n', entries: ['10.0.0.0/8'], metadata: ['@org:group=g'] };
    const network = made('externalnetwork', fields, PARENT, organization);
    expect(network.metadata).toEqual(['@org:group=g', '@org:tenant=t']);
    expect(network.normalizedTags).toEqual(expect.arrayContaining(['@org:tenant=t', '@org:group=g']));
    expect(made('enforcerprofile', { name: 'n' }, PARENT, organization).metadata).toEqual([]);
  });

  it('refuses a value that makes no tag, naming attribute and value', () => {
    const images = (image: string) => () =>
      made('processingunit', { name: 'n', type: 'Docker', images: [image] });
    expect(images('')).toThrow(expect.objectContaining({ kind: 'invalid' }));
    expect(images('x'.repeat(1100))).toThrow(/cannot be the tag `\$image`/);
  });
});

describe('a new namespace', () => {
  it('is named by its full path, in the root and below', () => {
    expect(made('namespace', { name: 'a' }, ROOT).name).toBe('/a');
    expect(made('namespace', { name: 'a' })).toMatchObject({ name: '/t/a', namespace: '/t' });
    expect(made('namespace', { name: 'a' }).normalizedTags).toContain('$name=/t/a');
  });

  it.each([
    ['Tenant', ['@org:tenant=a']],
    ['CloudAccount', ['@org:cloudaccount=a']],
    ['Group', ['@org:group=a']],
    ['Kubernetes', ['@org:kubernetes=a']],
    ['Default', []],
  ])('of type %s has the organizational tags %j', (type, organizationalMetadata) => {
    expect(made('namespace', { name: 'a', type })).toMatchObject({ organizationalMetadata });
  });

  it('keeps the organizational tag that it brings for its type, and others', () => {
    const said = (list: string[]) =>
      made('namespace', { name: 'a', type: 'Group', organizationalMetadata: list }).organizationalMetadata;
    expect(said(['@org:group=mine'])).toEqual(['@org:group=mine']);
    expect(said(['@org:team=x'])).toEqual(['@org:team=x', '@org:group=a']);
  });

  it('cannot have a / in its short name, nor a path too long to be a tag', () => {
    expect(() => made('namespace', { name: 'a/b' })).toThrow(/give the short name `b`/);
    expect(() => made('namespace', { name: '/a' })).toThrow(expect.objectContaining({ kind: 'invalid' }));
    expect(() => made('namespace', { name: 'a'.repeat(LONGEST_PATH - 2) })).toThrow(
      /longer than 990 characters/,
    );
    expect(made('namespace', { name: 'a'.repeat(LONGEST_PATH - 3) }).normalizedTags).toHaveLength(4);
  });
});

describe('touch', () => {
  const object = made('enforcerprofile', { name: 'n' });

  it.each([
    ['later', 5, 5],
    ['in the same millisecond', 0, 1],
    ['when the clock went back', -1000, 1],
  ])('moves updateTime on %s', (_, by, moved) => {
    const { updateTime } = touch('enforcerprofile', object, new Date(NOW.getTime() + by));
    expect(Date.parse(updateTime) - NOW.getTime()).toBe(moved);
  });

  it('makes the tags anew and leaves the rest', () => {
    const changed = { ...object, name: 'other', associatedTags: tags('x=y') };
    const { normalizedTags: shown, ...rest } = touch('enforcerprofile', changed, NOW);
    expect(shown).toEqual([`$id=${ID}`, '$identity=enforcerprofile', '$name=other', '$namespace=/t', 'x=y']);
    expect(rest).toMatchObject({ name: 'other', createTime: object.createTime, ID });
    expect(shown).toEqual(normalizedTags('enforcerprofile', changed));
  });
});
