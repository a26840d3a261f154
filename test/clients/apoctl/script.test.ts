import { DaemonSet } from 'kubernetes-models/apps/v1/DaemonSet';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type Terminal, terminal } from './terminal.ts';

let user: Terminal;
beforeAll(async () => {
  user = await terminal({ APOCTL_API: 'https://api.test', APOCTL_NAMESPACE: '/acme/k8s' });
});
afterAll(() => user.leave());

const COMMON = ['--enforcer-version', 'v1.3.0', '--tag', 'app=node', '--tag', 'tier=one'];
const IMAGE = ['--image', 'r.example.com:5000/prisma-enforcer', '--image-pull-secret', 'r'];
const kubernetes = (...more: string[]) =>
  user.type('enforcer', 'script', 'kubernetes', ...COMMON, ...IMAGE, ...more);
const DIGEST = 'AB'.repeat(32);
const PACKAGE = ['--url', 'https://example.com/prisma-enforcer-1.3.0.msi', '--sha256', DIGEST];
const windows = (...more: string[]) =>
  user.type('enforcer', 'script', 'windows', ...COMMON, ...PACKAGE, ...more);

/** Of the schemas that the API server of Kubernetes publishes. */
const MODELS = { Namespace, ServiceAccount, DaemonSet };

const objectsIn = (text: string) =>
  parseAllDocuments(text).map(document => {
    expect(document.errors).toEqual([]);
    return document.toJS();
  });
const validated = (text: string): string[] =>
  objectsIn(text).map(object => {
    const Model = MODELS[object.kind as keyof typeof MODELS];
    new Model(object).validate();
    return object.kind;
  });

test('the manifests to apply follow the schemas of Kubernetes, in an order in which they can be applied', async () => {
  const { code, out, err } = await kubernetes();
  expect([code, err]).toEqual([0, '']);
  expect(validated(out)).toEqual(['Namespace', 'ServiceAccount', 'DaemonSet']);
  await expect(out).toMatchFileSnapshot('golden/script-kubernetes.yaml');
});

test('the schemas can refuse: a selector that is missing is found', async () => {
  const [, , daemonSet] = objectsIn((await kubernetes()).out);
  delete daemonSet.spec.selector;
  expect(() => new DaemonSet(daemonSet).validate()).toThrow(/selector/);
});

test('what is removed is the agents alone: neither the namespace nor a credential that was made by hand', async () => {
  const { out } = await kubernetes('--remove');
  expect(validated(out)).toEqual(['DaemonSet']);
  const applied = objectsIn((await kubernetes()).out);
  expect(applied.at(-1)).toEqual(objectsIn(out)[0]);
  expect(applied.map(({ kind }) => kind)).not.toContain('Secret');
});

test('the agents are selected by labels that their pods have, and are not replaced by an update', async () => {
  const [daemonSet] = objectsIn((await kubernetes('--remove')).out);
  const { selector, template, updateStrategy } = daemonSet.spec;
  expect(template.metadata.labels).toMatchObject(selector.matchLabels);
  expect(updateStrategy).toEqual({ type: 'OnDelete' });
});

test('the script for Windows is as it was', async () => {
  const { code, out, err } = await windows();
  expect([code, err]).toEqual([0, '']);
  await expect(out).toMatchFileSnapshot('golden/script-windows.ps1');
});

test('no value gets out of its quotes in the script for Windows', async () => {
  const { out } = await windows('--tag', "a=b';Remove-Item(1)#", '--tag', 'a=\u2019$(calc)');
  expect(out).toContain("'a=b'';Remove-Item(1)#'");
  expect(out).toContain("'a=\u2019\u2019$(calc)'");
});

test.each([
  [
    'a version that is none',
    ['windows', '--enforcer-version', 'newest', ...PACKAGE],
    '--enforcer-version is `newest`',
  ],
  [
    'a digest that is none',
    ['windows', ...COMMON, '--url', 'https://x', '--sha256', 'abc'],
    '--sha256 is `abc`',
  ],
  [
    'a package without https',
    ['windows', ...COMMON, '--url', 'http://x', '--sha256', DIGEST],
    '--url is `http://x`',
  ],
  ['an image with a tag and more', ['kubernetes', ...COMMON, '--image', 'a b'], '--image is `a b`'],
  ['a tag with a quote', ['windows', ...COMMON, ...PACKAGE, '--tag', 'a="b"'], '--tag is `a="b"`'],
  ['the root', ['windows', ...COMMON, ...PACKAGE, '-n', '/'], 'enforcers live below the root'],
])('%s is refused', async (_, argv, why) => {
  const { code, err } = await user.type('enforcer', 'script', ...argv);
  expect([code, err]).toEqual([2, expect.stringContaining(why)]);
});
