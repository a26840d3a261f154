import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ObjectStore } from '../../../shared/ports/object-store.ts';
import { NamespacePath } from '../../../shared/schema/ids.ts';
import type { RequestLine } from '../../make/call.ts';
import { type Behaviour, NEW, plantHosts, upgrading } from '../../make/fleet.ts';
import { create, makeNamespace } from '../../make/objects.ts';
import { openPlane, type Plane } from '../../make/plane.ts';
import { type QuickStore, quickStore } from '../../make/quick-database.ts';
import { type Timeline, timeline } from '../../make/timeline.ts';
import { type Terminal, terminal } from './terminal.ts';

const TENANT = NamespacePath.parse('/acme');

let quick: QuickStore;
let plane: Plane;
let store: ObjectStore;
let time: Timeline;
let fleet: ReturnType<typeof upgrading>;
let user: Terminal;
let hosts: Awaited<ReturnType<typeof plantHosts>>;
/** Requests so far, and what the next ones get instead of an answer. */
let requests: string[];
let faults: number[];

beforeEach(async () => {
  time = timeline(undefined, 'command line');
  quick = quickStore(time);
  const { database } = quick;
  ({ store } = quick);
  hosts = [];
  requests = [];
  faults = [];
  fleet = upgrading({ database, store, time, hosts });
  plane = await openPlane(deps => ({ ...deps, store, clock: time, workflows: fleet.workflows }));
  await store.commit([create('namespace', makeNamespace(TENANT))]);
  for (const version of ['1.0.0', NEW]) {
    const artifact = { platform: 'linux', architecture: 'any', length: 1, sha256: 'a'.repeat(64) };
    await plane.root('POST /enforcerreleases', '/', {
      body: { version, artifacts: [{ ...artifact, name: `agent-${version}` }] },
    });
  }
  const token = await plane.token(await plane.credential('/acme', ['namespace.administrator']));
  user = await terminal({ APOCTL_API: 'https://api.test', APOCTL_TOKEN: token, APOCTL_NAMESPACE: TENANT });
  user.now = () => time.now().getTime();
  user.fetch = async (target, { method = 'GET', headers = {}, body } = {}) => {
    const { pathname, search } = new URL(String(target));
    requests.push(`${method} ${pathname}${search}`);
    const fault = faults.shift();
    if (fault !== undefined) return new Response('', { status: fault });
    const { namespace, token } = {
      namespace: Reflect.get(headers, 'x-namespace'),
      token: user.env.APOCTL_TOKEN,
    };
    const line = `${method} ${pathname}${search}` as RequestLine;
    const sent = body === undefined || body === null ? {} : { body: String(body) };
    const answer = await plane.call(line, { namespace, ...(token ? { token } : {}), ...sent });
    return new Response(answer.status === 204 ? null : answer.text, {
      status: answer.status,
      headers: answer.headers,
    });
  };
  // While the user waits, the hosts work, and time goes on.
  user.sleep = async () => {
    await fleet.settle();
    time.next();
  };
});
afterEach(async () => {
  await user.leave();
  await plane.stop();
  await quick.stop();
});

const plant = async (count: number, behaviour?: (index: number) => Behaviour) => {
  hosts.push(...(await plantHosts(store, TENANT, count, behaviour)));
};
/** The upgrade begins, and asks its hosts what they are; its canary is done and being watched. */
const begun = async () => {
  for (let times = 0; times < 2; times += 1) {
    await fleet.settle();
    time.next();
  }
  await fleet.settle();
};
const upgrade = (...line: string[]) => user.type('enforcer', 'upgrade', ...line);
/** IDs follow from the moment; a golden file says `<ID>`. */
const anonymous = (text: string): string => text.replace(/\b[0-9a-f]{24}\b/g, '<ID>');
const golden = (name: string) => `golden/upgrade-${name}.txt`;
const bad = (index: number): Behaviour => (index === 2 ? 'broken release' : 'good');

const START = ['start', '--canary', '1', '--waves', '2', '--failure-threshold', '1', '--soak', '10s'];

describe('start', () => {
  test('prints the ID, under which the upgrade runs to its end', async () => {
    await plant(3);
    const { code, out, err } = await upgrade(...START, '--name', 'nightly');
    expect([code, out]).toEqual([0, expect.stringMatching(/^[0-9a-f]{24}\n$/)]);
    expect(err).toMatch(/^warning: the agents of 3 of 3 hosts have never told.*: host-00000/);
    await fleet.finish();
    const { out: text, code: ended } = await upgrade('status', 'nightly');
    expect([ended, text]).toEqual([0, expect.stringContaining(`${out.trim()} in /acme: Succeeded`)]);
  });

  test('sends what the file says, and the options over it', async () => {
    await plant(2);
    const file = join(user.home, 'upgrade.yaml');
    await writeFile(file, 'name: from-file\ncanary: 1\nsoak: 1h\nselector: [["$name=host-00000"]]\n');
    const options = ['-f', file, '--soak', '5m', '--no-recursive', '--mode', 'strict-clean', '--dry-run'];
    const probes = ['--probe', 'db=pass:tcp/5432@10.0.0.7', '--probe', 'fail:udp/53@10.0.0.9'];
    const { code, out } = await upgrade('start', ...options, ...probes, '-o', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(out).spec).toMatchObject({
      name: 'from-file',
      canary: 1,
      soak: '5m',
      recursive: false,
      mode: 'strict-clean',
      selector: [['$name=host-00000']],
      healthProbe: [
        { name: 'db', expect: 'pass', protocolPort: 'tcp/5432', host: '10.0.0.7' },
        { name: 'udp/53@10.0.0.9', expect: 'fail', protocolPort: 'udp/53', host: '10.0.0.9' },
      ],
    });
  });

  test('takes several selectors, of which an enforcer has to match one', async () => {
    await plant(4);
    const selectors = ['--selector', '$identity=enforcer $name=host-00000', '--selector', '$name=host-00003'];
    const { out } = await upgrade('start', ...selectors, '--dry-run', '-o', 'json');
    expect(JSON.parse(out)).toMatchObject({ targets: 2 });
  });

  test('with --dry-run prints the plan, and begins nothing', async () => {
    await plant(12);
    const { code, out } = await upgrade(...START, '--dry-run');
    expect(code).toBe(0);
    await expect(out).toMatchFileSnapshot(golden('plan'));
    expect((await upgrade('status')).err).toBe('error: no upgrade was begun in /acme\n');
  });

  test.each([
    [['--target-version', '9.9.9'], 1, 'version `9.9.9` is not known'],
    [['--waves', 'many'], 2, '--waves wants a whole number'],
    [['--probe', 'tcp/443'], 2, '--probe wants [name=]pass|fail:tcp/443@address'],
    [['--mode', 'fast'], 2, 'Allowed choices are keep-rules, strict-clean'],
    [['--dry-run', '--watch'], 2, 'begins nothing that could be watched'],
    [['--selector', '$name=nobody'], 1, 'no enforcer in /acme is selected'],
    [['--failure-threshold', 'some'], 1, 'failureThreshold'],
  ])('refuses %j with exit code %i', async (line, code, said) => {
    await plant(1);
    const refused = await upgrade('start', ...line);
    expect([refused.code, refused.err]).toEqual([code, expect.stringContaining(said)]);
    expect(fleet.events).toEqual([]);
  });
});

describe('status', () => {
  test('shows the waves, the hosts under way and how long it may take', async () => {
    await plant(7);
    await upgrade(...START, '--name', 'nightly');
    await begun();
    // The soak of the canary; then the first wave begins.
    time.next();
    await fleet.deliver();
    await fleet.workflows.idle();
    const { code, out } = await upgrade('status');
    expect(code).toBe(0);
    await expect(anonymous(out)).toMatchFileSnapshot(golden('status-running'));
  });

  test('names what was not upgraded, and why', async () => {
    await plant(7, bad);
    await upgrade(...START, '--name', 'nightly');
    await fleet.finish();
    const { code, out } = await upgrade('status');
    expect(code).toBe(0);
    await expect(anonymous(out)).toMatchFileSnapshot(golden('status-ended'));
  });

  test('of an upgrade that has ended without success has exit code 1', async () => {
    await plant(3, () => 'broken release');
    await upgrade('start', '--soak', '10s', '--failure-threshold', '0', '--name', 'nightly');
    await fleet.finish();
    const { code, out, err } = await upgrade('status', 'nightly');
    expect([code, out]).toEqual([1, expect.stringContaining('RolledBack')]);
    expect(err).toMatch(/^error: upgrade nightly .*: RolledBack: 1 of 1 hosts of wave 0 failed/);
  });

  test('with --hosts lists every host, page after page', async () => {
    await plant(90);
    await upgrade('start', '--waves', '1', '--soak', '10s');
    await fleet.finish();
    const { out } = await upgrade('status', '--hosts');
    expect(out.trim().split('\n')).toHaveLength(91);
    const { out: json } = await upgrade('status', '--hosts', '-o', 'json');
    expect(new Set(JSON.parse(json).map(({ name }: { name: string }) => name)).size).toBe(90);
  });

  test('of a name that two upgrades have is refused, and their IDs are named', async () => {
    await plant(1);
    const ids: string[] = [];
    for (const _ of [1, 2]) {
      ids.push((await upgrade('start', '--name', 'twice', '--soak', '10s')).out.trim());
      await fleet.finish();
    }
    const { code, err } = await upgrade('status', 'twice');
    expect([code, err]).toEqual([1, expect.stringContaining(ids.join(', '))]);
  });
});

describe('--watch', () => {
  test('off a screen prints a line for each change, until the end', async () => {
    await plant(5, bad);
    const { code, out, err } = await upgrade(...START, '--name', 'nightly', '--watch');
    expect([code, err.match(/^error/m)]).toEqual([0, null]);
    await expect(anonymous(out)).toMatchFileSnapshot(golden('watch-lines'));
  });

  test('on a screen writes each state over the one before', async () => {
    user.isScreen = true;
    await plant(2);
    const { code, out } = await upgrade('start', '--soak', '10s', '--name', 'nightly', '--watch');
    expect(code).toBe(0);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
    const frames = out.split(/\u001b\[\d+F\u001b\[0J/);
    expect(frames.length).toBeGreaterThan(3);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
    const heights = [...out.matchAll(/\u001b\[(\d+)F/g)].map(([, height]) => Number(height));
    expect(heights).toEqual(frames.slice(0, -1).map(frame => frame.split('\n').length - 1));
    expect(frames.at(-1)).toContain(': Succeeded');
  });

  test('as JSON prints a line for each state', async () => {
    await plant(2);
    const { out } = await upgrade('start', '--soak', '10s', '--watch', '-o', 'json');
    const states = out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(states.at(-1)).toMatchObject({ status: 'Succeeded', progress: { percent: 100 } });
    expect(new Set(states.map(state => JSON.stringify(state))).size).toBe(states.length);
  });

  test('has exit code 1 when the upgrade ends without success', async () => {
    await plant(3, () => 'broken release');
    const { code, err } = await upgrade('start', '--soak', '10s', '--failure-threshold', '0', '--watch');
    expect([code, err]).toEqual([1, expect.stringContaining('RolledBack')]);
  });

  test('bears an API that is away for a while, and says so once', async () => {
    await plant(1);
    await upgrade('start', '--soak', '10s');
    const { sleep } = user;
    let slept = 0;
    user.sleep = async milliseconds => {
      slept += 1;
      if (slept === 1) faults = [503, 429, 500];
      await sleep(milliseconds);
    };
    const { code, err } = await upgrade('status', '--watch');
    expect([code, err.match(/trying again/g)?.length]).toEqual([0, 1]);
  });

  test('does not go on when it may not look any more', async () => {
    await plant(1);
    await upgrade('start');
    faults = [];
    user.sleep = async () => {
      faults = [403];
    };
    expect((await upgrade('status', '--watch')).code).toBe(1);
  });
});

test('the guide shows what the commands print', async () => {
  const guide = await readFile(new URL('../../../docs/upgrades.md', import.meta.url), 'utf8');
  await plant(5, bad);
  const plan = await upgrade(...START, '--dry-run');
  const watched = await upgrade(...START, '--name', 'nightly', '--watch');
  const ended = await upgrade('status', 'nightly');
  for (const { out } of [plan, watched, ended]) {
    const [id = ''] = /\b[0-9a-f]{24}\b/.exec(out) ?? [];
    expect(guide).toContain(out.replaceAll(id, id === '' ? '' : '019ca9450a00d2ce867be0ab'));
  }
});

describe('pause, resume and abort', () => {
  test('stop an upgrade before its next wave, let it go on, and end it', async () => {
    await plant(9);
    await upgrade(...START, '--name', 'nightly');
    await begun();
    expect((await upgrade('pause', 'nightly')).out).toContain('Running (to be paused before its next wave)');
    time.next();
    await fleet.settle();
    const paused = await upgrade('status');
    expect([paused.code, paused.out]).toEqual([0, expect.stringContaining('in /acme: Paused')]);
    await expect(anonymous(paused.out)).toMatchFileSnapshot(golden('status-paused'));
    expect((await upgrade('resume', 'nightly')).out).toContain(': Running\n');
    await fleet.settle();
    expect((await upgrade('abort', 'nightly')).out).toContain(': Running (to be aborted)');
    await fleet.finish();
    const { code, out } = await upgrade('status');
    expect([code, out]).toEqual([1, expect.stringContaining('Aborted: it was aborted')]);
    await expect(anonymous(out)).toMatchFileSnapshot(golden('status-aborted'));
  });

  test('of an upgrade that has ended are refused', async () => {
    await plant(1);
    const { out } = await upgrade('start', '--soak', '10s');
    await fleet.finish();
    for (const verb of ['pause', 'resume', 'abort']) {
      const { code, err } = await upgrade(verb, out.trim());
      expect([code, err]).toEqual([1, expect.stringContaining('the upgrade has ended: it is Succeeded')]);
    }
  });
});
