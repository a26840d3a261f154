import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missing } from '../../local/hosts/missing.ts';

/**
 * `npm run test:net`: real packets between hosts in network namespaces. Needs root on Linux and a few programs; says
 * what is missing and skips where it isn't so.
 */
const lacking = missing();
if (lacking.length > 0) {
  console.log(`net lane: skipped: it needs ${lacking.join(', ')}`);
} else {
  // Agents start hundreds of times: their sources are compiled once.
  const compiled = mkdtempSync(join(tmpdir(), 'compiled-'));
  const vitest = spawn(
    process.execPath,
    [...['node_modules/vitest/vitest.mjs', 'run', '--project', 'net'], ...process.argv.slice(2)],
    { stdio: 'inherit', env: { ...process.env, NODE_COMPILE_CACHE: compiled } },
  );
  const [code] = await once(vitest, 'exit');
  rmSync(compiled, { recursive: true, force: true });
  process.exitCode = typeof code === 'number' ? code : 1;
}
