import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FakeApi, fakeApi } from './fake-api.ts';
import { type Terminal, terminal } from './terminal.ts';

let api: FakeApi;
let user: Terminal;

beforeAll(async () => {
  api = await fakeApi();
});
afterAll(() => api.stop());
beforeEach(async () => {
  api.requests.length = 0;
  for (const list of api.objects.values()) list.length = 0;
  user = await terminal({ APOCTL_API: api.url, APOCTL_TOKEN: 'given', APOCTL_NAMESPACE: '/acme' });
  return () => user.leave();
});

const fill = (count: number) => {
  for (let i = count; i > 0; i--)
    api.put('externalnetworks', '/acme', { name: `n${String(i).padStart(4, '0')}` });
};
const names = (out: string) => (JSON.parse(out) as { name: string }[]).map(({ name }) => name);

describe('list', () => {
  test('follows the cursor until there is no more, and orders by name', async () => {
    fill(250);
    const { code, out } = await user.type('api', 'list', 'extnet');
    expect(code).toBe(0);
    expect(names(out)).toHaveLength(250);
    expect(names(out)).toEqual(names(out).toSorted());
    expect(api.requests.map(({ query }) => query.toString())).toEqual([
      'limit=100',
      'limit=100&after=100',
      'limit=100&after=200',
    ]);
  });

  test('asks for numbered pages where a cursor has no order, until the total is reached', async () => {
    fill(1001);
    const { out } = await user.type('api', 'list', 'extnet', '-O', '-name', '-O', 'ID');
    expect(names(out)).toHaveLength(1001);
    expect(names(out)[0]).toBe('n1001');
    expect(api.requests.map(({ query }) => query.get('page'))).toEqual(['1', '2']);
    expect(api.requests[0]?.query.getAll('order')).toEqual(['-name', 'ID']);
  });

  test('gets only the page that is asked for', async () => {
    fill(5);
    const { out } = await user.type('api', 'list', 'extnet', '-P', '2', '-S', '2', '-O', 'name');
    expect(names(out)).toEqual(['n0003', 'n0004']);
    expect(api.requests).toHaveLength(1);
  });

  test('recurses with -r, and never sends a flag that was not said', async () => {
    api.put('externalnetworks', '/acme/a', { name: 'below' });
    expect(names((await user.type('api', 'list', 'extnet')).out)).toEqual([]);
    expect(names((await user.type('api', 'list', 'extnet', '-r')).out)).toEqual(['below']);
    expect(api.requests.map(({ query }) => query.has('recursive'))).toEqual([false, true]);
  });

  test('sends -p as it was said, also twice', async () => {
    await user.type('api', 'list', 'extnet', '-p', 'propagated=true', '-p', 'x=1', '-p', 'x=2');
    const [request] = api.requests;
    expect(request?.query.get('propagated')).toBe('true');
    expect(request?.query.getAll('x')).toEqual(['1', '2']);
  });

  test('sends each -f as a filter, byte by byte', async () => {
    const filters = ['name == "a b" and size > 1', "$name matches '^é+\\\\.$'"];
    await user.type('api', 'list', 'extnet', ...filters.flatMap(filter => ['-f', filter]));
    expect(api.requests[0]?.query.getAll('q')).toEqual(filters);
  });

  test('shows where the API says that a filter is wrong', async () => {
    const description = 'filter q, character 6: expected `[` or a value, found the end\nname==\n      ^';
    const data = { attribute: 'q', position: 5 };
    api.faults.push({
      status: 400,
      body: JSON.stringify([{ code: 400, title: 'Bad Request', description, data, subject: '', trace: '' }]),
    });
    const { code, err } = await user.type('api', 'list', 'extnet', '-f', 'name==');
    expect([code, err]).toEqual([1, `error: Bad Request: ${description.replaceAll('\n', '\n  ')}\n`]);
  });

  test.each([
    ['-P', 'two'],
    ['-S', '-1'],
    ['-p', 'novalue'],
    ['-c', 'colour'],
    ['-o', 'xml'],
  ])('refuses %s %s as wrong usage', async (flag, value) => {
    const { code, err } = await user.type('api', 'list', 'extnet', flag, value);
    expect(code).toBe(2);
    expect(err).toContain(value);
    expect(api.requests).toEqual([]);
  });
});

describe('get', () => {
  test('gets by ID with one request and by name with two', async () => {
    const { ID } = api.put('externalnetworks', '/acme', { name: 'dns', entries: ['8.8.8.8/32'] });
    const byId = await user.type('api', 'get', 'extnet', ID);
    expect(api.requests).toHaveLength(1);
    expect(await user.type('api', 'get', 'extnet', 'dns')).toEqual(byId);
    expect(api.requests).toHaveLength(3);
    expect(JSON.parse(byId.out)).toMatchObject({ ID, entries: ['8.8.8.8/32'] });
  });

  test.each(['frontend', '/acme/frontend'])('knows the namespace %s', async name => {
    api.put('namespaces', '/acme', { name: '/acme/frontend' });
    const { code, out } = await user.type('api', 'get', 'ns', name, '-c', 'name', '-o', 'yaml');
    expect({ code, out }).toEqual({ code: 0, out: 'name: /acme/frontend\n' });
  });

  test('says of an unknown ID and of an unknown name that there is none', async () => {
    const id = 'f'.repeat(24);
    expect(await user.type('api', 'get', 'extnet', id)).toMatchObject({
      code: 1,
      err: `error: Not Found: no object ${id} in /acme\n`,
    });
    expect(await user.type('api', 'get', 'extnet', 'dns')).toMatchObject({
      code: 1,
      err: 'error: no externalnetwork `dns` in /acme\n',
    });
  });
});

test('count prints the number alone', async () => {
  fill(3);
  expect(await user.type('api', 'count', 'extnets')).toEqual({ code: 0, out: '3\n', err: '' });
  expect(api.requests).toMatchObject([{ method: 'HEAD', path: '/externalnetworks' }]);
});

test('count sends each --filter', async () => {
  await user.type('api', 'count', 'extnets', '--filter', 'a == 1', '--filter', 'b == 2');
  expect(api.requests[0]?.query.getAll('q')).toEqual(['a == 1', 'b == 2']);
});

describe('what is printed', () => {
  const golden = (name: string) => `golden/${name}`;
  beforeEach(() => {
    const more = { updateTime: '2026-01-02T03:04:05.678Z', associatedTags: ['a=b'] };
    api.put('externalnetworks', '/acme', { name: 'wide 漢字', entries: ['10.0.0.0/8'], ...more });
    api.put('externalnetworks', '/acme', { name: 'evil\u001b[2J\nname', entries: ['a.example'], ...more });
    for (const [index, object] of (api.objects.get('externalnetworks') ?? []).entries())
      object.ID = String(index + 1).padStart(24, '0');
  });

  test.each(['json', 'yaml', 'table', 'none'])('a list as %s', async format => {
    const { out } = await user.type('api', 'list', 'extnet', '-o', format);
    await expect(out).toMatchFileSnapshot(golden(`list.${format}`));
  });

  test('the columns that are asked for, in their order', async () => {
    const { out } = await user.type('api', 'list', 'extnet', '-o', 'table', '-c', 'Name,entries', '-c', 'ID');
    await expect(out).toMatchFileSnapshot(golden('list-columns.table'));
  });

  test.each(['json', 'yaml', 'table', 'none'])('one object as %s', async format => {
    const { out } = await user.type('api', 'get', 'extnet', 'wide 漢字', '-o', format);
    await expect(out).toMatchFileSnapshot(golden(`get.${format}`));
  });

  test('no control character of the API reaches the terminal', async () => {
    for (const format of ['json', 'yaml', 'table', 'none']) {
      const { out } = await user.type('api', 'list', 'extnet', '-o', format);
      expect(out.includes('\u001b')).toBe(false);
    }
  });

  test.each([
    [[]],
    [['api']],
    [['api', 'create']],
    [['api', 'list']],
    [['auth']],
    [['auth', 'appcred']],
    [['auth', 'oidc']],
    [['decide']],
    [['enforcer']],
    [['enforcer', 'install-token']],
    [['enforcer', 'preflight']],
    [['enforcer', 'release']],
    [['enforcer', 'upgrade']],
    [['enforcer', 'upgrade', 'start']],
    [['enforcer', 'upgrade', 'status']],
  ])('the help of apoctl %j', async words => {
    const { code, out } = await user.type(...words, '--help');
    expect(code).toBe(0);
    await expect(out).toMatchFileSnapshot(golden(`help${words.map(word => `-${word}`).join('')}.txt`));
  });
});
