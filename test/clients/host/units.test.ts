import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hostAt } from '../../../clients/host/host.ts';
import { stateOf } from '../../../clients/host/units.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'units-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const UNIT = 'usr/lib/systemd/system/a.service';
const MASK = 'etc/systemd/system/a.service';
const STARTED = 'run/systemd/units/invocation:a.service';

/** Files with something in them, and links that lead elsewhere. */
function put(files: readonly string[], links: Readonly<Record<string, string>> = {}): void {
  for (const path of [...files, ...Object.keys(links)])
    mkdirSync(dirname(join(root, path)), { recursive: true });
  for (const path of files) writeFileSync(join(root, path), '[Service]\n');
  for (const [path, to] of Object.entries(links)) symlinkSync(to, join(root, path));
}

test.each<[string, string[], Record<string, string>, string]>([
  ['a unit without a file', [], {}, 'absent'],
  ['one that is not started', [UNIT], {}, 'inactive'],
  ['one that is started, with a link that leads nowhere', [UNIT], { [STARTED]: '0b4c71' }, 'active'],
  ['one that was made from a script', ['run/systemd/generator.late/a.service'], {}, 'inactive'],
  ['one that is masked', [UNIT], { [MASK]: '/dev/null', [STARTED]: '0b4c71' }, 'absent'],
  [
    'one of an older systemd, by its processes',
    [UNIT, 'sys/fs/cgroup/systemd/system.slice/a.service/cgroup.procs'],
    {},
    'active',
  ],
])('%s is told by files: %j', async (_, files, links, wanted) => {
  put(files, links);
  expect(await stateOf(hostAt(root), 'a.service')).toBe(wanted);
});
