// The sources are TypeScript that Node runs as it is, which the machine's own Node may be too old for: then the Node among
// this package's dependencies runs them.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
/** From 22.18 Node strips types by itself; from 24.3 it does so without a warning. */
const strips = major > 22 || (major === 22 && minor >= 18);

function packagedNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'));
    const node = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(node) ? node : undefined;
  } catch {
    return undefined;
  }
}

/** Runs a program of this package, as if it were a command of its own. `main`: URL of its first file. */
export async function launch(name, main) {
  if (major > 24 || (major === 24 && minor >= 3)) {
    await import(main);
    return;
  }
  const node = packagedNode() ?? (strips ? process.execPath : undefined);
  if (node === undefined) {
    console.error(
      `error: ${name} needs Node 22.18 or newer, and this is ${process.version}: run \`npm ci\`, which brings one`,
    );
    process.exitCode = 1;
    return;
  }
  const args = ['--disable-warning=ExperimentalWarning', fileURLToPath(main), ...process.argv.slice(2)];
  const child = spawn(node, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', error => {
    console.error(`error: cannot start ${node}: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}
