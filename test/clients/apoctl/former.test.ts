import { describe, expect, test } from 'vitest';
import { attributesOf } from '../../../clients/apoctl/commands/describe.ts';
import { FORMER } from '../../../clients/apoctl/commands/former.ts';
import { identities, resourceOf } from '../../../shared/schema/resources.ts';
import { inAcme } from './in-acme.ts';

const acme = inAcme(user => user.type('api', 'create', 'namespace', '-n', '/acme', '-k', 'name', 'below'));

describe('a command of the original', () => {
  const all = Object.entries(FORMER).flatMap(([of, names]) =>
    Object.entries(names).map(
      ([name, instead]) => [[of, name].filter(part => part !== ''), instead] as const,
    ),
  );
  test.each(all)('%j that is none here says what to do instead', async (words, instead) => {
    const { code, err, out } = await acme.user.type(...words, 'linux', '--auth-mode', 'cloud', '--help');
    expect([code, out]).toEqual([2, '']);
    expect(err).toBe(`error: \`apoctl ${words.join(' ')}\` is no command here: ${instead}\n`);
  });

  test('stands in no help', async () => {
    for (const of of ['', 'api', 'enforcer']) {
      const { out } = await acme.user.type(...(of === '' ? [] : [of]), '--help');
      for (const name of Object.keys(FORMER[of] ?? {}))
        expect(out).not.toMatch(new RegExp(`^  ${name} `, 'm'));
    }
  });
});

describe('apoctl api describe', () => {
  test('says of every attribute what it is, with those of the objects in it', async () => {
    const { code, out } = await acme.user.type('api', 'describe', 'netruleset');
    expect(code).toBe(0);
    await expect(out).toMatchFileSnapshot('golden/describe-networkrulesetpolicy.table');
  });

  test.each(identities)('knows all of %s but secrets', identity => {
    const { stored, secrets = [] } = resourceOf(identity);
    const described = attributesOf(resourceOf(identity));
    const outer = described.map(({ attribute }) => String(attribute)).filter(name => !/[.[]/.test(name));
    const expected = Object.keys(stored.shape).filter(name => !secrets.includes(name));
    expect(outer.toSorted()).toEqual(expected.toSorted());
    expect(described.filter(({ type }) => type === 'any' || type === '')).toEqual([]);
  });
});

describe('apoctl api delete-many', () => {
  const make = async (namespace: string, ...names: string[]) => {
    for (const name of names)
      await acme.user.type(
        'api',
        'create',
        'extnet',
        '-n',
        namespace,
        '-k',
        `name=${name}`,
        '-k',
        'entries=10.0.0.0/8',
      );
  };
  const left = async () =>
    (await acme.user.type('api', 'list', 'extnet', '-r', '-o', 'yaml', '-c', 'name')).out
      .match(/\w+$/gm)
      ?.toSorted() ?? [];

  test('deletes what passes the filter once it is confirmed, and nothing before', async () => {
    await make('/acme', 'a', 'b', 'kept');
    await make('/acme/below', 'c');
    const words = ['api', 'delete-many', 'extnet', '-r', '-f', 'name in [a, b, c]'];
    const asked = await acme.user.type(...words);
    expect(asked).toEqual({
      code: 2,
      out: '',
      err: 'a in /acme\nb in /acme\nc in /acme/below\nerror: 3 objects would be deleted; add --confirm to delete them\n',
    });
    expect(await left()).toEqual(['a', 'b', 'c', 'kept']);
    const done = await acme.user.type(...words, '--confirm');
    expect([done.code, done.err, done.out.trim().split('\n').length]).toEqual([0, '', 3]);
    expect(await left()).toEqual(['kept']);
  });

  test('leaves what is protected, unless it is forced', async () => {
    await make('/acme', 'safe');
    await acme.user.type('api', 'update', 'extnet', 'safe', '-k', 'protected=true');
    const words = ['api', 'delete-many', 'extnet', '-f', 'name == safe', '--confirm'];
    expect(await acme.user.type(...words)).toMatchObject({ code: 1, out: '' });
    expect(await left()).toContain('safe');
    expect(await acme.user.type(...words, '--force')).toMatchObject({ code: 0 });
    expect(await left()).not.toContain('safe');
  });

  test('asks for a filter', async () => {
    const { code, err } = await acme.user.type('api', 'delete-many', 'extnet');
    expect([code, err]).toEqual([2, expect.stringContaining("required option '-f, --filter <expression>'")]);
  });
});
