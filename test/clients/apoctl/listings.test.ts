import { describe, expect, test } from 'vitest';
import { listings } from '../../../shared/api/client.ts';
import { identityNamed } from '../../../shared/schema/resources.ts';
import { inAcme } from './in-acme.ts';

const acme = inAcme(async user => {
  for (let n = 0; n < 120; n++)
    await user.type('api', 'create', 'extnet', '-n', '/acme', '-k', `name=n${n}`, '-k', 'entries=10.0.0.0/8');
});

describe('lists of what is no resource', () => {
  test('the activity log comes whole, newest first, page after page', async () => {
    const { code, out, err } = await acme.user.type('api', 'list', 'activities');
    expect([code, err]).toEqual([0, '']);
    const messages = (JSON.parse(out) as { message: string }[]).map(({ message }) => message);
    expect(messages).toHaveLength(120);
    expect(messages[0]).toBe('created externalnetwork n119');
    expect((await acme.user.type('api', 'count', 'activity')).out).toBe('120\n');
  });

  test('one page, a time and columns are chosen as for resources', async () => {
    const { out } = await acme.user.type(
      ...[
        'api',
        'list',
        'Activities',
        '-p',
        'limit=2',
        '-p',
        'startRelative=-1h',
        '-o',
        'yaml',
        '-c',
        'message',
      ],
    );
    expect(out).toBe('- message: created externalnetwork n119\n- message: created externalnetwork n118\n');
    const { out: shown } = await acme.user.type('api', 'list', 'activities', '-S', '1', '-o', 'table');
    expect(shown).toMatch(/^date +namespace +message\n\S+ +\/acme +created externalnetwork n119\n$/);
  });

  test('every one of them can be listed, and none has the name of a resource', async () => {
    expect(listings.map(({ plural }) => plural)).toContain('flowreports');
    for (const { plural, singular, attributes } of listings) {
      expect([identityNamed(plural), identityNamed(singular)]).toEqual([undefined, undefined]);
      expect(attributes).not.toEqual([]);
      expect(await acme.user.type('api', 'list', plural)).toMatchObject({ code: 0, err: '' });
    }
  });

  test.each([
    [
      ['api', 'get', 'activity', 'x'],
      /^error: activities can only be listed and counted: apoctl api list activities$/,
    ],
    [['api', 'create', 'roles', '-k', 'name=x'], /^error: roles can only be listed: apoctl api list roles$/],
    [['api', 'count', 'roles'], /^error: roles can't be counted; list them: apoctl api list roles$/],
    [['api', 'list', 'activites'], /no identity `activites`; .*, and lists of .*activities/],
    [
      ['api', 'list', 'activities', '-c', 'colour'],
      /activities have no attribute `colour`; they have ID, .*message/,
    ],
  ])('%j is refused with what can be said instead', async (words, said) => {
    const { code, err } = await acme.user.type(...words);
    expect([code, err.trim()]).toEqual([2, expect.stringMatching(said)]);
  });

  test('what the API does not take of a list is said by the API', async () => {
    const { code, err } = await acme.user.type('api', 'list', 'activities', '-r');
    expect([code, err]).toEqual([1, expect.stringContaining('query parameter recursive means nothing here')]);
  });
});

test('the version is that of the package, in a line of its own', async () => {
  expect(await acme.user.type('--version')).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
});

describe('attributes of -k', () => {
  const create = (...words: string[]) =>
    acme.user.type('api', 'create', 'netruleset', '-o', 'json', '-k', 'name', `r${Math.random()}`, ...words);

  test('a clause is typed as one tag, and each further one is another clause', async () => {
    const { code, out, err } = await create('-k', 'subject=app=web', '-k', 'subject', 'app=db');
    expect([code, err]).toEqual([0, '']);
    expect(JSON.parse(out).subject).toEqual([['app=web'], ['app=db']]);
  });

  test.each([
    [['-k', 'subject=foo'], /`foo` is not a tag; .*\(given as -k subject=foo\)\n$/],
    [['-k', 'subject', 'foo', '-k', 'subject=a=b'], /\(given as -k subject=foo -k subject=a=b\)\n$/],
    [
      ['-k', 'subject=a=b', '--key', 'incomingRules', 'x'],
      /it must be an object; .*\(given as -k incomingRules=x\)\n$/,
    ],
  ])('%j is refused by the words that were typed', async (words, said) => {
    const { code, err } = await create(...words);
    expect([code, err]).toEqual([1, expect.stringMatching(said)]);
  });

  test('what was typed in a file is named as it stands there', async () => {
    acme.user.stdin = '{"subject": ["foo"]}';
    expect((await create('-f', '-')).err).toMatch(
      /'subject\[0\]' is wrong: it must be a list; the value was "foo"\n$/,
    );
  });
});

describe('values of --set', () => {
  const render = async (template: string, ...set: string[]) => {
    acme.user.stdin = `data: ${template}`;
    return acme.user.type('api', 'import', '-f', '-', '--render', ...set.flatMap(text => ['--set', text]));
  };
  const shown = '{{ .Values | toJson }}';

  test.each([
    [['nets[0]=x'], { nets: ['x'] }],
    [['nets[0]=x', 'nets[1]=true', 'nets[0]=y'], { nets: ['y', true] }],
    [['nets[2]=3'], { nets: [null, null, 3] }],
    [['a.b[0].c=x', 'a.b[0].d=y', 'a.e=z'], { a: { b: [{ c: 'x', d: 'y' }], e: 'z' } }],
    [['m[0][1]=x'], { m: [[null, 'x']] }],
    [['a=x', 'a[0]=y'], { a: ['y'] }],
  ])('%j sets entries of lists, as Helm does', async (set, wanted) => {
    const { code, out, err } = await render(shown, ...set);
    expect([code, err]).toEqual([0, '']);
    expect(JSON.parse(out.slice('data: '.length))).toEqual(wanted);
  });

  test.each([
    'nets[x]=1',
    'nets[-1]=1',
    'nets[0=1',
    '[0]=1',
    'nets[0]b=1',
    'a..b=1',
    'nets[70000]=1',
    'a.__proto__.x=1',
  ])('%s is refused, and says how to write it', async set => {
    const { code, err } = await render(shown, set);
    expect([code, err]).toEqual([2, expect.stringContaining('write a.b=value, or list[0].name=value')]);
  });
});
