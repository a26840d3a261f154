import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
  api.warnings.length = 0;
  for (const list of api.objects.values()) list.length = 0;
  user = await terminal({ APOCTL_API: api.url, APOCTL_TOKEN: 'given', APOCTL_NAMESPACE: '/acme' });
  return () => user.leave();
});

const sent = () => api.requests.filter(({ method }) => method !== 'GET').map(({ body }) => body);

describe('create', () => {
  test('takes what the release notes of the original pipe in, under the singular and the plural name', async () => {
    user.stdin = `name: ignore-twistlock-defender
ignoreExpression:
- - '@app:k8s:serviceaccountname=twistlock-service'
associatedTags:
- 'enforcerprofile=ignore.twistlock'
propagate: true
`;
    const profile = await user.type('api', 'create', 'enforcerprofile', '-n', '/acme', '-f', '-');
    user.stdin = `name: ignore-twistlock-defender-mapping
object:
- - enforcerprofile=ignore.twistlock
subject:
- - $identity=enforcer
propagate: true
`;
    const mapping = await user.type(
      'api',
      'create',
      'enforcerprofilemappingpolicies',
      '-n',
      '/acme',
      '-f',
      '-',
    );
    expect([profile.code, mapping.code]).toEqual([0, 0]);
    expect(profile.out).toMatch(/^[0-9a-f]{24}\n$/);
    expect(api.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /enforcerprofiles',
      'POST /enforcerprofilemappingpolicies',
    ]);
    expect(sent()).toEqual([
      {
        name: 'ignore-twistlock-defender',
        ignoreExpression: [['@app:k8s:serviceaccountname=twistlock-service']],
        associatedTags: ['enforcerprofile=ignore.twistlock'],
        propagate: true,
      },
      {
        name: 'ignore-twistlock-defender-mapping',
        object: [['enforcerprofile=ignore.twistlock']],
        subject: [['$identity=enforcer']],
        propagate: true,
      },
    ]);
  });

  test.each(['ns', 'NS', 'namespace', 'Namespaces'])('takes %s for a namespace', async name => {
    expect(await user.type('api', 'create', name, '-k', 'name', 'a')).toMatchObject({ code: 0, err: '' });
    expect(api.requests[0]).toMatchObject({ path: '/namespaces', body: { name: 'a' } });
  });

  test('takes -k name value and -k name=value, and both keep what follows the first `=`', async () => {
    await user.type(
      'api',
      'create',
      '-k',
      'name',
      'a=b',
      '-k',
      'description=c=d',
      'extnet',
      '-k',
      'entries',
      '10.0.0.0/8',
    );
    expect(sent()).toEqual([{ name: 'a=b', description: 'c=d', entries: ['10.0.0.0/8'] }]);
  });

  test('reads JSON from -k only where the attribute takes it', async () => {
    const argv = ['-k', 'name', '826920578209172635', '-k', 'propagate', 'true', '-k', 'description', 'true'];
    await user.type('api', 'create', 'extnet', ...argv, '-k', 'entries', '["10.0.0.0/8", "!10.1.0.0/16"]');
    expect(sent()).toEqual([
      {
        name: '826920578209172635',
        propagate: true,
        description: 'true',
        entries: ['10.0.0.0/8', '!10.1.0.0/16'],
      },
    ]);
  });

  test('a list grows with each -k, and dots go into an attribute', async () => {
    const argv = [
      '-k',
      'associatedTags',
      'a=b',
      '-k',
      'associatedTags',
      'c=d',
      '-k',
      'annotations.x',
      '["y"]',
    ];
    await user.type('api', 'create', 'extnet', '-k', 'name=n', ...argv);
    expect(sent()).toEqual([{ name: 'n', associatedTags: ['a=b', 'c=d'], annotations: { x: ['y'] } }]);
  });

  test('puts -d over the file and -k over -d', async () => {
    user.stdin = 'name: file\ndescription: file\nprotected: true\n';
    const data = '{"name": "data", "description": "data"}';
    await user.type('api', 'create', 'extnet', '-f', '-', '-d', data, '-k', 'description', 'key');
    expect(sent()).toEqual([{ name: 'data', description: 'key', protected: true }]);
  });

  test('creates one object for each document and list entry, and prints each ID', async () => {
    user.stdin = '---\nname: a\n---\n- name: b\n- name: c\n---\n';
    const { out } = await user.type('api', 'create', 'extnet', '-f', '-');
    expect(sent()).toEqual([{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
    expect(out.trim().split('\n')).toHaveLength(3);
  });

  test('stops at the first refused object, says which, and prints the IDs of those before', async () => {
    user.stdin = 'name: a\n---\ndescription: nameless\n---\nname: c\n';
    const { code, out, err } = await user.type('api', 'create', 'extnet', '-f', '-');
    expect(code).toBe(1);
    expect(out).toMatch(/^[0-9a-f]{24}\n$/);
    expect(err).toBe(
      "stopped at object 2 of 3 (without a name); those before it exist\nerror: Validation Error: Attribute 'name' is required\n",
    );
    expect(sent()).toHaveLength(2);
  });

  test('prints what was created when asked', async () => {
    const { out } = await user.type('api', 'create', 'extnet', '-k', 'name', 'a', '-o', 'json', '-c', 'name');
    expect(JSON.parse(out)).toEqual({ name: 'a' });
  });

  test.each([
    ['an export', '{"APIVersion": 1, "data": {"externalnetworks": []}}', 'api import'],
    ['a text', 'hello', 'must hold objects'],
    ['nothing', '', 'holds no object'],
    ['broken YAML', 'a: [1\nb: 2', 'neither YAML nor JSON'],
  ])('sends nothing when the file holds %s', async (_, stdin, said) => {
    user.stdin = stdin;
    const { code, err } = await user.type('api', 'create', 'extnet', '-f', '-');
    expect(code).not.toBe(0);
    expect(err).toContain(said);
    expect(api.requests).toEqual([]);
  });

  test('shows warnings of the API on standard error', async () => {
    api.warnings.push('tag `a=b` has no listed prefix');
    const { code, err } = await user.type('api', 'create', 'extnet', '-k', 'name', 'a');
    expect({ code, err }).toEqual({ code: 0, err: 'warning: tag `a=b` has no listed prefix\n' });
  });
});

describe('update', () => {
  test('sends only what was said, to the one object of that name', async () => {
    const { ID } = api.put('externalnetworks', '/acme', { name: 'dns', entries: [] });
    const { code, out } = await user.type('api', 'update', 'extnet', 'dns', '-k', 'propagate', 'true');
    expect({ code, out }).toEqual({ code: 0, out: `${ID}\n` });
    expect(api.requests.at(-1)).toMatchObject({
      method: 'PATCH',
      path: `/externalnetworks/${ID}`,
      body: { propagate: true },
    });
    expect(api.requests.at(-1)?.query.has('override')).toBe(false);
  });

  test('overrides protection with --force', async () => {
    const { ID } = api.put('externalnetworks', '/acme', { name: 'dns' });
    await user.type('api', 'update', 'extnet', ID, '-k', 'propagate=true', '--force');
    expect(api.requests.map(({ query }) => query.get('override'))).toEqual(['true']);
  });

  test('refuses a name that several objects have, and lists their IDs', async () => {
    const ids = [1, 2].map(() => api.put('externalnetworks', '/acme', { name: 'twice' }).ID);
    const { code, err } = await user.type('api', 'update', 'extnet', 'twice', '-k', 'propagate=true');
    expect(code).toBe(1);
    expect(err).toBe(
      `error: 2 externalnetworks in /acme are named \`twice\`: say which ID of ${ids.join(', ')}\n`,
    );
    expect(sent()).toEqual([]);
  });

  test('takes one object, and wants something to change', async () => {
    user.stdin = 'name: a\n---\nname: b\n';
    expect((await user.type('api', 'update', 'extnet', 'x', '-f', '-')).code).toBe(2);
    expect((await user.type('api', 'update', 'extnet', 'x')).code).toBe(2);
    expect(api.requests).toEqual([]);
  });
});

describe('delete', () => {
  test('finds a namespace by its full path in its parent, whatever -n says', async () => {
    const { ID } = api.put('namespaces', '/acme/a', { name: '/acme/a/b' });
    const { code, out } = await user.type('api', 'delete', 'namespace', '/acme/a/b', '-n', '/acme', '-r');
    expect({ code, out }).toEqual({ code: 0, out: `${ID}\n` });
    expect(api.requests.at(-1)).toMatchObject({ method: 'DELETE', headers: { 'x-namespace': '/acme/a' } });
    expect(api.requests.at(-1)?.query.get('recursive')).toBe('true');
  });

  test('overrides protection with --force alone', async () => {
    for (const flags of [[], ['--force']]) {
      const { ID } = api.put('externalnetworks', '/acme', { name: 'dns' });
      await user.type('api', 'delete', 'extnet', ID, ...flags);
    }
    expect(api.requests.map(({ query }) => query.get('override'))).toEqual([null, 'true']);
  });

  test('deletes nothing when one of several names is wrong', async () => {
    api.put('externalnetworks', '/acme', { name: 'dns' });
    const { code, err } = await user.type('api', 'delete', 'extnet', 'dns', 'dsn');
    expect({ code, err }).toEqual({ code: 1, err: 'error: no externalnetwork `dsn` in /acme\n' });
    expect(api.objects.get('externalnetworks')).toHaveLength(1);
  });
});

describe('import', () => {
  const EXPORT = 'APIVersion: 1\nlabel: own\ndata:\n  externalnetworks:\n  - name: a\n  - name: b\n';

  test('sends an export as it stands, and says how many objects came of it', async () => {
    user.stdin = EXPORT;
    const { out } = await user.type('api', 'import', '-f', '-');
    expect(out).toBe('created 2, updated 0, unchanged 0 (label own)\n');
    expect(api.requests[0]).toMatchObject({
      path: '/import',
      body: {
        data: { APIVersion: 1, label: 'own', data: { externalnetworks: [{ name: 'a' }, { name: 'b' }] } },
      },
    });
  });

  test('puts --label over the label of the file, also inside the request form of the original', async () => {
    user.stdin = JSON.stringify({ data: { label: 'own', data: { externalnetworks: [] } } });
    const { out } = await user.type('api', 'import', '-f', '-', '--label', 'mine', '-o', 'json');
    expect(JSON.parse(out)).toMatchObject({ label: 'mine', created: 0 });
  });

  const TEMPLATE = `data:
  externalnetworks:
  {{- range .Values.names }}
  - name: {{ . | quote }}
    description: {{ $.Values.app.text | default "none" }} in {{ $.Aporeto.Namespace }}
  {{- end }}
`;

  test('renders a template with --set over --values, and imports what comes out', async () => {
    const values = join(user.home, 'values.yaml');
    await writeFile(values, 'names: [a, b]\napp: {text: file}\n');
    user.stdin = TEMPLATE;
    const line = ['api', 'import', '-f', '-', '--values', values, '--set', 'app.text=said'];
    expect((await user.type(...line)).out).toMatch(/^created 2,/);
    const objects = ['a', 'b'].map(name => ({ name, description: 'said in /acme' }));
    expect(api.requests[0]?.body).toMatchObject({ data: { data: { externalnetworks: objects } } });
  });

  test('asks for the organizational metadata that a template names, and only then', async () => {
    const recipe = `data:
  externalnetworks:
  {{- range _, $tag := .Aporeto.OrganizationalMetadata }}
  - name: {{ $tag | quote }}
  {{- end }}
`;
    user.stdin = recipe;
    api.faults.push({ status: 200, body: '[{"metadata": ["@org:tenant=acme", "@org:group=shop"]}]' });
    expect((await user.type('api', 'import', '-f', '-')).out).toMatch(/^created 2,/);
    expect(api.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /organizationalmetadata',
      'POST /import',
    ]);
    const objects = [{ name: '@org:tenant=acme' }, { name: '@org:group=shop' }];
    expect(api.requests[1]?.body).toMatchObject({ data: { data: { externalnetworks: objects } } });
  });

  test('with --render prints the file and sends nothing', async () => {
    user.stdin = 'x: {{ .Values.x }} {{ .Values.y }} {{ .Aporeto.API }}\n';
    const line = ['api', 'import', '-f', '-', '--set', 'x=007', '--render'];
    expect(await user.type(...line)).toEqual({ code: 0, out: `x: 007 <no value> ${api.url}\n`, err: '' });
    expect(api.requests).toEqual([]);
  });

  test.each([
    ['{{ nosuch }}', 'template, line 3, column 15: there is no function `nosuch`'],
    ['{{ env "HOME" }}', '`env` reads'],
    ['{{ .Values.a.b }}', '`.Values.a` has no value'],
    ['{{ if }}', 'line 3'],
  ])('refuses the template %s with its place, and sends nothing', async (template, said) => {
    user.stdin = `data:\n  externalnetworks:\n  - name: '${template}'\n`;
    const { code, err } = await user.type('api', 'import', '-f', '-');
    expect(code).toBe(1);
    expect(err).toContain(said);
    expect(api.requests).toEqual([]);
  });

  test('only says what would become of it with --dry-run, and never has the workflow do it then', async () => {
    user.stdin = 'data:\n  externalnetworks: []\n';
    await user.type('api', 'import', '-f', '-', '--dry-run');
    expect(api.requests.map(({ path, query }) => [path, query.get('dryRun')])).toEqual([['/import', 'true']]);
    const refused = await user.type('api', 'import', '-f', '-', '--dry-run', '--large');
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('too much for one request')]);
    expect(api.requests).toHaveLength(1);
  });

  test('asks for removal with --delete, for which a label is enough, and with --delete-missing', async () => {
    await user.type('api', 'import', '--label', 'own', '--delete');
    user.stdin = EXPORT;
    await user.type('api', 'import', '-f', '-', '--delete-missing');
    expect(api.requests.map(({ body }) => body)).toMatchObject([
      { mode: 'Remove', data: { label: 'own', data: {} } },
      { deleteMissing: true, data: { label: 'own' } },
    ]);
    const { code, err } = await user.type('api', 'import', '--delete');
    expect([code, err]).toEqual([2, expect.stringContaining('say what to import')]);
  });

  test('says what no longer has an effect', async () => {
    api.findings = [{ at: 'data.externalnetworks[0]', name: 'a', message: 'no effect' }];
    user.stdin = EXPORT;
    const { err } = await user.type('api', 'import', '-f', '-');
    api.findings = [];
    expect(err).toBe('warning: data.externalnetworks[0] a: no effect\n');
  });

  test('fetches the file with --url', async () => {
    const { code, err } = await user.type('api', 'import', '--url', `${api.url}/nothing-here`);
    expect([code, err]).toEqual([1, expect.stringContaining(`cannot fetch ${api.url}/nothing-here`)]);
  });
});

describe('export', () => {
  test('asks for the identities by any name, and prints a file that import takes', async () => {
    const line = ['api', 'export', 'extnets', 'NetRuleset', '-r', '--label', 'own', '-f', 'name == a'];
    const { out } = await user.type(...line);
    expect(api.requests[0]).toMatchObject({
      path: '/export',
      body: { identities: ['externalnetwork', 'networkrulesetpolicy'], label: 'own' },
    });
    expect(Object.fromEntries(api.requests[0]?.query ?? [])).toEqual({ q: 'name == a', recursive: 'true' });
    user.stdin = out;
    expect((await user.type('api', 'import', '-f', '-')).out).toMatch(/^created 1,.*\(label own\)/);
  });

  test('with --base puts the objects behind those of another export', async () => {
    user.stdin = JSON.stringify({
      APIVersion: 0,
      label: 'base',
      identities: ['namespace'],
      data: { namespaces: [{ name: 'n' }], externalnetworks: [{ name: 'first' }] },
    });
    const { out } = await user.type('api', 'export', 'extnet', '--base', '-', '-o', 'json');
    expect(JSON.parse(out)).toEqual({
      APIVersion: 1,
      label: 'base',
      identities: ['externalnetwork', 'namespace'],
      data: { namespaces: [{ name: 'n' }], externalnetworks: [{ name: 'first' }, { name: 'exported' }] },
    });
  });
});
