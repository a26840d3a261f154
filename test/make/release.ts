import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

const ROOT = join(import.meta.dirname, '../..');

/** What packages written for CommonJS expect to find. */
const BANNER = [
  "import { createRequire as __createRequire } from 'node:module';",
  'const require = __createRequire(import.meta.url);',
  'const __filename = import.meta.filename;',
  'const __dirname = import.meta.dirname;',
].join('\n');

/** The manifest as if it were of that version: nothing else of it is used. */
const ofVersion = (version: string): Plugin => ({
  name: 'version',
  setup: ({ onLoad }) => {
    onLoad({ filter: /package\.json$/ }, ({ path }) =>
      path === join(ROOT, 'package.json') ? { contents: JSON.stringify({ version }), loader: 'json' } : null,
    );
  },
});

export interface ReleaseOptions {
  version: string;
  /** Where the file goes. */
  folder: string;
  /** Code that runs before everything else. */
  first?: string;
  /** Text of source files to replace, by the path below the repository. */
  changed?: Readonly<Record<string, (text: string) => string>>;
}

const withChanges = (changed: NonNullable<ReleaseOptions['changed']>): Plugin => ({
  name: 'changes',
  setup: ({ onLoad }) => {
    for (const [path, change] of Object.entries(changed)) {
      const file = join(ROOT, path);
      const filter = new RegExp(`${path.replaceAll('.', '\\.')}$`);
      onLoad({ filter }, args => {
        if (args.path !== file) return null;
        const before = readFileSync(file, 'utf8');
        const contents = change(before);
        if (contents === before) throw new Error(`${path} is the same after its change`);
        return { contents, loader: 'ts' };
      });
    }
  },
});

/** Messages in forty languages, of which only English is ever asked for: a fifth of a release. */
const englishOnly: Plugin = {
  name: 'english-only',
  setup: ({ onLoad }) => {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

/** What describes a schema is for documents. Each description is a copy of its schema, which a release would hold for nobody. */
const undescribed: Plugin = {
  name: 'undescribed',
  setup: ({ onLoad }) => {
    onLoad({ filter: /zod\/v4\/classic\/schemas\.js$/ }, ({ path }) => {
      const before = readFileSync(path, 'utf8');
      const contents = before.replace(/\bdescribe\(description\) \{/, '$& return this;');
      if (contents === before) throw new Error(`${path} has no \`describe(description)\` any more`);
      return { contents, loader: 'js' };
    });
  },
};

/** One file of a program and all that it needs, as small as it gets. */
export const bundled = (
  entry: string,
  outfile: string,
  { first, plugins = [] }: { first?: string | undefined; plugins?: Plugin[] } = {},
) =>
  build({
    entryPoints: [join(ROOT, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    mainFields: ['module', 'main'],
    minify: true,
    keepNames: true,
    legalComments: 'none',
    banner: { js: first === undefined ? BANNER : `${BANNER}\n${first}` },
    plugins: [englishOnly, undescribed, ...plugins],
    metafile: true,
    logLevel: 'warning',
  });

/** A release of the agent for Linux: one file, which Node 24 runs. Gives its path. */
export async function buildRelease({
  version,
  folder,
  first,
  changed = {},
}: ReleaseOptions): Promise<string> {
  const outfile = join(folder, `prisma-enforcer-${version}.mjs`);
  await bundled('clients/enforcer/main.ts', outfile, {
    first,
    plugins: [ofVersion(version), withChanges(changed)],
  });
  return outfile;
}

/** `npm run release -- <version> [folder]` */
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [version, folder = '.'] = process.argv.slice(2);
  if (version === undefined || !/^\d+\.\d+\.\d+/.test(version) || folder.startsWith('-')) {
    console.error('usage: npm run release -- <version> [folder], such as npm run release -- 1.3.0 dist');
    process.exitCode = 2;
  } else console.log(await buildRelease({ version, folder }));
}
