import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { type AssetCode, Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';
import { FILES } from '../shared/api/documents.ts';
import { fail } from '../shared/schema/failure.ts';

const root = join(import.meta.dirname, '..');

/** Files in functions/lambda/; each is bundled once and shared by the functions that name one of its exports. */
export type Entry = 'api' | 'tasks' | 'events' | 'documents' | 'listeners';

/**
 * Packages written for CommonJS ask for Node's own modules through `require`, which an ES module lacks.
 */
const banner =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

function bundle(entry: Entry, outdir: string): true {
  const file = join(root, 'functions', 'lambda', `${entry}.ts`);
  if (!existsSync(file))
    throw fail('not_found', `no function code at functions/lambda/${entry}.ts; restore the file`);
  buildSync({
    entryPoints: { index: file },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    mainFields: ['module', 'main'],
    minify: true,
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    banner: { js: banner },
    logLevel: 'warning',
  });
  if (entry === 'documents') {
    for (const path of Object.values(FILES))
      cpSync(join(root, path), join(outdir, path), { recursive: true });
  }
  return true;
}

/**
 * Code of each entry, bundled by the esbuild of this checkout: neither Docker nor a network is needed, and nothing is
 * bundled twice. `@aws-sdk/*` is bundled too, so that what runs is the version that was tested, not whichever the
 * runtime holds that week. Left out for stacks that the context `aws:cdk:bundling-stacks` does not name (`cdk list`).
 */
export class Bundles {
  readonly #codes = new Map<Entry, AssetCode>();

  of(entry: Entry): AssetCode {
    const known = this.#codes.get(entry);
    if (known !== undefined) return known;
    const code = Code.fromAsset(join(root, 'functions'), {
      // Most of what is bundled lies elsewhere: by its sources here, a change in shared/ would not be deployed.
      assetHashType: AssetHashType.OUTPUT,
      bundling: {
        // Only asked for when `local` declines, which it never does. `command` tells the entries' assets apart.
        image: DockerImage.fromRegistry('unused'),
        command: [entry],
        local: { tryBundle: outdir => bundle(entry, outdir) },
      },
    });
    this.#codes.set(entry, code);
    return code;
  }
}
