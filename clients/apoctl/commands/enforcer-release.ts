import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { fail } from '../../../shared/schema/failure.ts';
import type { Io } from '../io.ts';
import * as options from '../options.ts';
import { sessionOf } from '../session.ts';

interface ReleaseOptions {
  releaseVersion: string;
  platform: string;
  architecture: string;
  description: string;
  dryRun?: boolean;
}

const EXAMPLES = `
Put each file where the command says before you publish, so that no agent looks for it in vain: into the bundles bucket,
or with npm start -- --releases <folder> into the one-process build.

Examples:
  $ npm run release -- 1.3.0
  $ apoctl enforcer release -n / --release-version 1.3.0 prisma-enforcer-1.3.0.mjs --dry-run
  $ apoctl enforcer release -n / --release-version 1.3.0 prisma-enforcer-1.3.0.mjs
`;

export function addRelease(enforcer: Command, io: Io): void {
  const command = enforcer
    .command('release')
    .description('Publish a version of the agent, for administrators of /; prints where its files must lie')
    .argument('<file...>', 'files of the release; their names are those of the targets')
    .requiredOption('--release-version <version>', 'the semantic version')
    .option('--platform <name>', 'linux, windows or kubernetes', 'linux')
    .option('--architecture <name>', 'x64, arm64 or any', 'any')
    .option('--description <text>', 'what is new', '')
    .option('--dry-run', 'check and print, publish nothing')
    .addHelpText('after', EXAMPLES)
    .action((files: string[], said: ReleaseOptions, self: Command) =>
      release(io, files, said, options.flagsOf(self)),
    );
  options.withGlobals(command);
}

async function described(path: string, { platform, architecture }: ReleaseOptions) {
  const bytes = await readFile(path).catch((error: Error) => {
    throw fail('bad_request', `cannot read ${path}: ${error.message}`);
  });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { name: basename(path), platform, architecture, length: bytes.length, sha256 };
}

async function release(io: Io, files: string[], said: ReleaseOptions, flags: options.Flags): Promise<void> {
  const artifacts = await Promise.all(files.map(path => described(path, said)));
  const { client, namespace, warn } = await sessionOf(io, flags);
  const { body, messages } = await client.call('createEnforcerrelease', {
    namespace,
    ...(said.dryRun ? { query: { dryRun: true } } : {}),
    body: { version: said.releaseVersion, description: said.description, artifacts },
  });
  warn(messages);
  for (const { name, sha256 } of body.artifacts) io.out(`releases/targets/${sha256}.${name}\n`);
}
