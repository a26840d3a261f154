import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Status } from '../../../../clients/enforcer/agent/status.ts';
import type { Meaning } from '../../../../clients/enforcer/data-plane.ts';
import { refuseTemporary } from '../../../../clients/enforcer/life/install.ts';
import { deedsOf, describeDeeds } from '../../../../clients/enforcer/life/rules.ts';
import { ageOf, describeStatus, whatIsWrong } from '../../../../clients/enforcer/life/show.ts';
import { VERSION } from '../../../../clients/enforcer/version.ts';
import { type } from './terminal.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'enforcer-life-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['help', ['--help']],
  ['help-run', ['run', '--help']],
  ['help-status', ['status', '--help']],
  ['help-explain', ['explain', '--help']],
  ['help-rules', ['rules', '--help']],
  ['help-install', ['install', '--help']],
  ['help-uninstall', ['uninstall', '--help']],
])('prints its %s', async (name, argv) => {
  const { code, out } = await type(argv);
  expect(code).toBe(0);
  await expect(out).toMatchFileSnapshot(`golden/${name}.txt`);
});

test.each(['version', '--version'])('tells its version, asked with %s', async word => {
  expect(await type([word])).toMatchObject({ code: 0, out: `${VERSION}\n` });
});

const credential = {
  APIURL: 'https://api.test',
  ID: 'id',
  name: 'n',
  namespace: '/t',
  certificate: '',
  certificateKey: '',
  certificateAuthority: '',
};

test.each([
  ['no namespace', [], /namespace is missing; give --namespace/],
  ['the root', ['-n', '/'], /--namespace is `\/`; give a path below the root/],
  ['no credential', ['-n', '/t', '--auth-mode', 'appcred'], /app credential is missing; give --creds/],
  ['no URL', ['-n', '/t', '--token', 'x'], /URL of the control plane is missing; give --api/],
  [
    'no URL at all',
    ['-n', '/t', '--token', 'x', '--api', 'api.test'],
    /--api is `api.test`; give a URL, such as https/,
  ],
  [
    'another protocol',
    ['-n', '/t', '--token', 'x', '--api', 'ftp://api.test'],
    /--api is `ftp:\/\/api.test`/,
  ],
  [
    'a password in the URL',
    ['-n', '/t', '--token', 'x', '--api', 'https://me:secret@api.test'],
    /^error: --api holds a name or password; leave them out, and give --creds or --token\n$/,
  ],
  [
    'a query',
    ['-n', '/t', '--token', 'x', '--api', 'https://api.test/?a=b'],
    /without what begins with \? or #/,
  ],
  ['no such file', ['-n', '/t', '--creds', '/absent'], /--creds `\/absent` can't be read/],
  ['a tag of the system', ['-n', '/t', '--tag', '$name=x'], /--tag is `\$name=x`/],
  ['no tag', ['-n', '/t', '--tag', 'x'], /--tag is `x`; give key=value/],
])('refuses to run with %s, and says what to give', async (_, argv, reason) => {
  const { code, err } = await type(['run', '--state', folder, ...argv]);
  expect([code, err]).toEqual([2, expect.stringMatching(reason)]);
});

test.each([
  ['--interval', '0', /from 0.05 to 3600/],
  ['--flow-interval', 'soon', /from 1 to 86400/],
  ['--spool-limit', '', /from 1 to/],
  ['--log-group', '5.5', /--log-group is `5.5`; give a whole number from 1 to 65535/],
])('refuses %s %s', async (flag, value, reason) => {
  writeFileSync(join(folder, 'creds'), JSON.stringify(credential));
  writeFileSync(join(folder, 'root.json'), '{}');
  const argv = ['run', '--state', folder, '-n', '/t', '--creds', join(folder, 'creds'), flag, value];
  const { code, err } = await type(argv);
  expect([code, err]).toEqual([2, expect.stringMatching(reason)]);
});

test.each([
  [['status'], /no agent has run with/],
  [['explain', '10.0.0.1', '10.0.0.2', 'tcp/80'], /holds no verified policy/],
])('%j says what to do where no agent ever ran', async (argv, reason) => {
  const { code, err } = await type([...argv, '--state', folder]);
  expect([code, err]).toEqual([1, expect.stringMatching(reason)]);
});

test('a command that is not there is told with those that are', async () => {
  expect(await type(['statu', '--json'])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/no command `statu`; there are run, status, .*help/),
  });
});

test.each([['boot'], ['reconcile'], ['rules'], ['uninstall']])('%s is for root', async verb => {
  expect(await type([verb])).toMatchObject({ code: 1, err: expect.stringContaining('as root') });
});

test.each([
  ['run', ['run', '-n', '/t', '--no-enforce']],
  ['boot', ['boot']],
  ['reconcile', ['reconcile']],
  ['explain', ['explain', '10.0.0.1', '10.0.0.2', 'tcp/80']],
])('%s refuses a folder that others can write to: they would say whom it trusts', async (_, argv) => {
  writeFileSync(join(folder, 'default.creds'), JSON.stringify(credential));
  writeFileSync(join(folder, 'root.json'), '{"signed":{"_type":"root"}}');
  chmodSync(folder, 0o777);
  const { code, err } = await type([...argv, '--state', folder], true);
  expect([code, err]).toEqual([1, expect.stringMatching(/can be written to by others.*chmod go-w/)]);
});

const STATUS: Status = {
  version: '0.1.0',
  pid: 1234,
  startedAt: '2026-03-01T10:00:00.000Z',
  updatedAt: '2026-03-01T12:00:00.000Z',
  enforces: true,
  enforcer: { ID: '01a213ec299f1ef181ca083a', name: 'host-web', namespace: '/tenant/group' },
  api: 'https://api.test',
  active: {
    revision: 7,
    digest: '59d0c2fef6c6d3ecda21112f41dfbc049caeeb5a3a1adb1d98d3c7f1',
    since: '2026-03-01T11:57:00.000Z',
    units: 2,
    profile: 'default',
    warnings: [],
    lockdown: false,
  },
  expires: '2026-03-01T11:00:00.000Z',
  staleSeconds: 3600,
  refused: { reason: 'rejected_by_kernel', detail: 'no memory', at: '2026-03-01T11:59:30.000Z' },
  mended: 1,
  lastContact: '2026-03-01T11:00:00.000Z',
  troubles: { polling: { detail: 'connect ECONNREFUSED', at: '2026-03-01T11:59:59.000Z' } },
  flows: {
    records: 12,
    sent: 10,
    waiting: 2,
    spooled: 1,
    held: 2,
    dropped: 3,
    refused: 0,
    unrecorded: 3,
    unreadable: 0,
    restarts: 0,
    connections: { ended: 4, bytes: 5678, seconds: 9 },
  },
};

test('the status is for people', async () => {
  const text = describeStatus(STATUS, true, Date.parse('2026-03-01T12:00:00.000Z'));
  await expect(text).toMatchFileSnapshot('golden/status.txt');
  const {
    active: _,
    enforcer: __,
    expires: ___,
    lastContact: ____,
    flows: _____,
    refused: ______,
    ...bare
  } = STATUS;
  await expect(describeStatus(bare, false, Date.parse(STATUS.updatedAt))).toMatchFileSnapshot(
    'golden/status-bare.txt',
  );
});

const WELL: Status = { ...STATUS, staleSeconds: 0, troubles: {} };
delete WELL.refused;

test.each<[string, Status, boolean, string[]]>([
  ['all is well', WELL, true, []],
  ['no agent runs', WELL, false, ['no agent runs']],
  [
    'the agent hangs',
    { ...WELL, updatedAt: '2026-03-01T11:50:30.000Z' },
    true,
    ['the agent has told nothing for 10 min'],
  ],
  [
    'much is wrong',
    STATUS,
    true,
    [
      'the newest policy is refused: rejected_by_kernel',
      'the bundle is past its expiry for 1 h',
      'trouble with polling',
    ],
  ],
  ['nothing is enforced', { ...WELL, enforces: false }, true, ['nothing is enforced']],
  [
    'it is locked down',
    { ...WELL, active: { ...WELL.active, lockdown: true } as Status['active'] },
    true,
    ['everything is shut out'],
  ],
])('a check for monitoring finds it when %s', (_, status, isRunning, wrong) => {
  expect(whatIsWrong(status, isRunning, Date.parse('2026-03-01T12:00:30.000Z'))).toEqual(wrong);
});

test('a check prints the status and fails with what is wrong', async () => {
  writeFileSync(join(folder, 'status.json'), JSON.stringify(WELL));
  const argv = ['status', '--state', folder];
  expect((await type(argv)).code).toBe(0);
  const { code, out, err } = await type([...argv, '--check', '--json']);
  expect([code, err, JSON.parse(out).running]).toEqual([1, 'error: no agent runs\n', false]);
});

test('what rules did is told with the greatest first, and what nobody knows any more', async () => {
  const counters = new Map([
    ['0a', { packets: 2, bytes: 120 }],
    ['0b', { packets: 1400, bytes: 84_000 }],
    ['0c', { packets: 2, bytes: 90 }],
    ['0d', { packets: 1, bytes: 60 }],
  ]);
  const ref = (ruleName: string) => ({
    rulesetID: '01a213ec299f1ef181ca083a',
    name: 'web',
    namespace: '/t',
    propagated: false,
    direction: 'incoming' as const,
    index: 1,
    ruleName,
  });
  const told = (more: object) =>
    ({ direction: 'incoming', verdict: 'allow', namespace: '/t', ...more }) as Meaning;
  const meanings = new Map<string, Meaning>([
    ['0a', told({ rule: ref('') })],
    ['0b', told({ verdict: 'reject', observed: { verdict: 'allow', rule: ref('') } })],
    ['0c', told({ rule: ref('by name'), direction: 'outgoing' })],
  ]);
  await expect(describeDeeds(deedsOf(counters, id => meanings.get(id)))).toMatchFileSnapshot(
    'golden/rules.txt',
  );
});

test.each([
  [0, '0 s'],
  [59, '59 s'],
  [61, '1 min 1 s'],
  [90_061, '1 d 1 h'],
])('%d seconds are %s', (seconds, text) => expect(ageOf(seconds)).toBe(text));

describe('install', () => {
  const argv = (...more: string[]) => {
    writeFileSync(join(folder, 'creds'), JSON.stringify(credential));
    writeFileSync(join(folder, 'trusted.json'), '{"signed":{"_type":"root"}}');
    mkdirSync(join(folder, 'root'), { recursive: true });
    const given = ['--root', join(folder, 'trusted.json'), '--creds', join(folder, 'creds')];
    return [
      'install',
      '-n',
      '/tenant/group',
      '--prefix',
      join(folder, 'root'),
      '--no-start',
      ...given,
      ...more,
    ];
  };
  const below = () =>
    readdirSync(join(folder, 'root'), { recursive: true, encoding: 'utf8', withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name).slice(join(folder, 'root').length))
      .sort();

  test('writes files that only it makes, each as it is known', async () => {
    const { code, err } = await type(argv('--tag', 'app=web', '--opts', '--interval 5'), true);
    expect([code, err]).toEqual([0, '']);
    expect(below()).toEqual([
      '/etc/systemd/system/prisma-enforcer-boot.service',
      '/etc/systemd/system/prisma-enforcer-runner.path',
      '/etc/systemd/system/prisma-enforcer-runner.service',
      '/etc/systemd/system/prisma-enforcer.service',
      '/usr/sbin/prisma-enforcer',
      '/var/lib/prisma-enforcer/default.creds',
      '/var/lib/prisma-enforcer/installed.json',
      '/var/lib/prisma-enforcer/prisma-enforcer.conf',
      '/var/lib/prisma-enforcer/root.json',
    ]);
    for (const path of below()) {
      const mode = statSync(join(folder, 'root', path)).mode & 0o777;
      const wanted = path.startsWith('/var') ? 0o600 : path.startsWith('/usr') ? 0o755 : 0o644;
      expect(mode, path).toBe(wanted);
      if (!path.endsWith('.json') && !path.endsWith('.creds'))
        await expect(readFileSync(join(folder, 'root', path), 'utf8')).toMatchFileSnapshot(
          `golden/installed${path.replaceAll('/', '_')}`,
        );
    }
    expect(statSync(join(folder, 'root/var/lib/prisma-enforcer')).mode & 0o777).toBe(0o700);
  });

  test.each([
    [['--before-policy', 'reject'], 'reject'],
    [['--opts', '--interval 5 --before-policy=reject'], 'reject'],
    [['--opts', '--before-policy  reject'], 'reject'],
    [[], undefined],
  ])('the boot unit is told what %j say of the time before a policy', async (more, wanted) => {
    expect((await type(argv(...more), true)).code).toBe(0);
    const conf = readFileSync(join(folder, 'root/var/lib/prisma-enforcer/prisma-enforcer.conf'), 'utf8');
    expect(/^ENFORCERD_BEFORE_POLICY=(.*)$/m.exec(conf)?.[1]).toBe(wanted);
    // An upgrade installs again with these options alone.
    expect(/^ENFORCERD_OPTS=(.*)$/m.exec(conf)?.[1]?.includes('--before-policy')).toBe(wanted !== undefined);
  });

  test.each(['{}', 'no JSON'])(
    'a file of %s is no credential, and is told so before anything is written',
    async text => {
      const file = join(folder, 'other.creds');
      writeFileSync(file, text);
      const { code, err } = await type(argv('--creds', file), true);
      expect([code, err]).toEqual([2, expect.stringMatching(/--creds `.*other.creds` is no app credential/)]);
      expect(existsSync(join(folder, 'root/var'))).toBe(false);
    },
  );

  test.each(['{}', '{"signed":{"_type":"timestamp"}}', 'no JSON'])(
    'a file of %s is no root of trust, and is told so before anything is written',
    async text => {
      const file = join(folder, 'other.json');
      writeFileSync(file, text);
      const wrong = [
        2,
        expect.stringMatching(/--root `.*other.json` is no root of trust; take the root.json/),
      ];
      const installed = await type(argv('--root', file), true);
      expect([installed.code, installed.err]).toEqual(wrong);
      expect(existsSync(join(folder, 'root/var'))).toBe(false);
      const given = ['-n', '/t', '--creds', join(folder, 'creds'), '--root', file, '--state', folder];
      const run = await type(['run', ...given]);
      expect([run.code, run.err]).toEqual(wrong);
    },
  );

  test('where systemd does not run, what it prints starts the agent as the service would', async () => {
    const file = join(folder, 'prisma-enforcer-9.9.9.mjs');
    writeFileSync(
      file,
      `const { ENFORCERD_API, ENFORCERD_NAMESPACE, ENFORCERD_STATE, ENFORCERD_ROOT } = process.env;
      console.log(JSON.stringify([process.argv.slice(2), ENFORCERD_API, ENFORCERD_NAMESPACE, ENFORCERD_STATE, ENFORCERD_ROOT]))`,
    );
    const given = argv('--tag', 'app=web', '--opts', '--interval 5').filter(word => word !== '--no-start');
    const { out } = await type(given, true, [process.execPath, file]);
    const [, command = ''] = out.split('start it with:');
    const home = join(folder, 'root/var/lib/prisma-enforcer');
    expect(JSON.parse(execFileSync('sh', ['-c', command], { encoding: 'utf8' }))).toEqual([
      ['run', '--tag', 'app=web', '--interval', '5'],
      'https://api.test',
      '/tenant/group',
      home,
      join(home, 'root.json'),
    ]);
  });

  test('a release is copied, and started from where it was copied to', async () => {
    const file = join(folder, 'prisma-enforcer-9.9.9.mjs');
    writeFileSync(file, 'console.log(process.argv.slice(2).join())');
    const { code } = await type(argv(), true, [process.execPath, file]);
    rmSync(file);
    expect(code).toBe(0);
    const program = join(folder, 'root/usr/sbin/prisma-enforcer');
    expect(execFileSync(program, ['a', 'b'], { encoding: 'utf8' })).toBe('a,b\n');
  });

  test.each([
    ['/tmp/checkout/node', '/opt/clients/enforcer/main.ts'],
    ['/opt/node', '/var/tmp/checkout/main.ts'],
  ])('refuses a service of %s with %s, which its units don’t see', (node, main) => {
    const hidden = node.startsWith('/opt') ? main : node;
    expect(() => refuseTemporary([node, '--flag', main])).toThrow(`start ${hidden}, and sees no temporary`);
  });

  test.each([
    ['/opt/node', '/opt/tmp/main.ts'],
    ['/tmpfs/node', '/var/tmpfs/main.ts'],
    ['/opt/node', '/tmp/prisma-enforcer-1.0.0.mjs'],
  ])('takes a service of %s with %s', (node, main) => {
    expect(() => refuseTemporary([node, '--flag', main])).not.toThrow();
  });

  test('refuses to install over an installation, and says how to go on', async () => {
    await type(argv(), true);
    const { code, err } = await type(argv(), true);
    expect([code, err]).toEqual([
      1,
      expect.stringContaining('there is no upgrade in place: run prisma-enforcer uninstall'),
    ]);
  });

  test('leaves nothing behind where it can’t write everything, and nothing of others goes', async () => {
    const prefix = join(folder, 'root');
    const everything = () => readdirSync(prefix, { recursive: true, encoding: 'utf8' }).sort();
    mkdirSync(join(prefix, 'etc/systemd'), { recursive: true });
    mkdirSync(join(prefix, 'var/lib/prisma-enforcer'), { recursive: true });
    writeFileSync(join(prefix, 'var/lib/prisma-enforcer/host.json'), 'of an agent that was started by hand');
    // In its place no file can be made, as on a file system that is read-only.
    writeFileSync(join(prefix, 'etc/systemd/system'), '');
    const before = everything();
    const { code, err } = await type(argv(), true);
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/^error: nothing is installed: ENOTDIR.*make room/),
    ]);
    expect(everything()).toEqual(before);
  });

  test('never takes a file that somebody else made', async () => {
    mkdirSync(join(folder, 'root/usr/sbin'), { recursive: true });
    writeFileSync(join(folder, 'root/usr/sbin/prisma-enforcer'), 'mine');
    const { code, err } = await type(argv(), true);
    expect([code, err]).toEqual([1, expect.stringContaining('/usr/sbin/prisma-enforcer is there')]);
    expect(readFileSync(join(folder, 'root/usr/sbin/prisma-enforcer'), 'utf8')).toBe('mine');
    expect(existsSync(join(folder, 'root/var'))).toBe(false);
  });

  test.each([
    ['--tag', 'app=two words', /holds no spaces/],
    ['--opts', 'a\nb', /no line break/],
  ])('refuses %s %j, which a unit file can’t hold', async (flag, value, reason) => {
    const { code, err } = await type(argv(flag, value), true);
    expect([code, err]).toEqual([2, expect.stringMatching(reason)]);
  });

  test.each([
    ['--before-policy', 'rejct', /'rejct' is invalid. Allowed choices are allow, reject/],
    ['--opts', '--before-policy rejct', /`--before-policy rejct`: .*Allowed choices are allow, reject/],
    ['--opts', '--log-level=loud', /'loud' is invalid. Allowed choices are trace, debug, info/],
    ['--opts', '--beforepolicy reject', /unknown option '--beforepolicy'.*run --help lists what can be said/],
    ['--opts', '--layer3-only yes', /too many arguments/],
    ['--opts', '--interval soon', /--interval is `soon`; give a number from 0.05 to 3600/],
    ['--opts', '--tag web', /--tag is `web`; give key=value/],
    ['--tag', '$name=x', /--tag is `\$name=x`/],
    ['-n', '/', /--namespace is `\/`; give a path below the root/],
  ])(
    'refuses %s %j, with which the service would not start, and writes nothing',
    async (flag, value, reason) => {
      const { code, err } = await type(argv(flag, value), true);
      expect([code, err]).toEqual([2, expect.stringMatching(reason)]);
      expect(below()).toEqual([]);
    },
  );

  test.each(['--tag "app=web" --interval 5', "--log-level 'debug' --no-flows", '--units /etc/units.yaml'])(
    'takes --opts %j, as systemd reads it',
    async opts => {
      const { code, err } = await type(argv('--opts', opts), true);
      expect([code, err]).toEqual([0, '']);
    },
  );
});
