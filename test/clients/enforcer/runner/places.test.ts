import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { bySetsid, bySystemdRun } from '../../../../clients/enforcer/runner/places.ts';
import { runnerPlaceContract } from '../../../contract/runner-place.ts';

const here = mkdtempSync(join(tmpdir(), 'places-'));
afterAll(() => rmSync(here, { recursive: true, force: true }));

describe.skipIf(process.platform !== 'linux')('on Linux', () => {
  runnerPlaceContract('setsid', async () => bySetsid(here));

  /** What systemd does of this, in shell: a unit that is restarted on failure, in a session of its own. */
  describe('with a systemd that is played', () => {
    const path = process.env.PATH;
    const program = (name: string, text: string) => {
      writeFileSync(join(here, name), `#!/bin/sh\n${text}`);
      chmodSync(join(here, name), 0o755);
    };
    beforeAll(() => {
      program(
        'systemd-run',
        `for word; do case $word in
  --unit=*) unit=\${word#--unit=}; shift;;
  --property=Restart=on-failure|--property=RestartSec=1|--property=*|--quiet|--collect) shift;;
  --) shift; break;;
  *) echo "unknown option $word" >&2; exit 1;;
esac; done
mkdir "${here}/$unit.unit" 2>/dev/null || { echo "Unit $unit.service was already loaded" >&2; exit 1; }
setsid --fork sh -c 'unit=$1; shift; until "$@"; do sleep 1; done; rmdir "$unit"' sh "${here}/$unit.unit" "$@" </dev/null >/dev/null 2>&1
`,
      );
      program('systemctl', `[ "$1 $2" = "is-active --quiet" ] && [ -d "${here}/\${3%.service}.unit" ]\n`);
      process.env.PATH = `${here}:${path}`;
    });
    afterAll(() => {
      process.env.PATH = path;
    });
    runnerPlaceContract('systemd-run', async () => bySystemdRun());
  });
});
