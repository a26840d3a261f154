import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { openSigner } from '../shared/adapters/local/signer.ts';
import { readRoot } from '../shared/bundle/metadata.ts';
import { draftRoot, signRoot } from '../shared/bundle/root.ts';
import { Failure } from '../shared/schema/failure.ts';

const HELP = `Makes the root of trust of an installation, offline. Its keys sign the root and nothing else.

Usage: npm run root -- <command> [options]

  key --out <file>       makes a root key (PEM, mode 0600) and prints its public half
  draft --out <file>     writes a root that nobody has signed yet
    --root-key <pem>       public half of a root key; once for each
    --threshold <n>        how many of them must sign (default 1)
    --targets <pem>        public keys of the online roles: what
    --snapshot <pem>       \`aws kms get-public-key\` gives for the keys
    --timestamp <pem>      that the stack names, as PEM
    --version <n>          1 for the first, one more for each that follows (default 1)
    --days <n>             days until it expires (default 365)
  sign --in <file> --key <file>   adds the signature of a root key, in place
  show --in <file>                prints what it says

A successor is signed with a threshold of the old keys and of the new ones. Put the result into the bundles bucket as
root/<version>.root.json.
`;

const OPTIONS = {
  out: { type: 'string' },
  in: { type: 'string' },
  key: { type: 'string' },
  'root-key': { type: 'string', multiple: true },
  threshold: { type: 'string', default: '1' },
  targets: { type: 'string' },
  snapshot: { type: 'string' },
  timestamp: { type: 'string' },
  version: { type: 'string', default: '1' },
  days: { type: 'string', default: '365' },
} as const;

const DAY = 24 * 3600 * 1000;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

function needed(name: string, value: string | undefined): string {
  if (value !== undefined && value !== '') return value;
  throw new TypeError(`--${name} is missing`);
}

const pem = (name: string, path: string | undefined): Promise<string> => readFile(needed(name, path), 'utf8');

async function run(argv: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args: argv, options: OPTIONS, allowPositionals: true });
  switch (positionals[0]) {
    case 'key': {
      const signer = await openSigner(needed('out', values.out));
      say((await signer.publicKey()).trim());
      return;
    }
    case 'draft': {
      const draft = draftRoot({
        rootKeys: await Promise.all((values['root-key'] ?? []).map(path => readFile(path, 'utf8'))),
        threshold: Number(values.threshold),
        online: {
          targets: await pem('targets', values.targets),
          snapshot: await pem('snapshot', values.snapshot),
          timestamp: await pem('timestamp', values.timestamp),
        },
        version: Number(values.version),
        expires: new Date(Date.now() + Number(values.days) * DAY),
      });
      return writeFile(needed('out', values.out), draft, { flag: 'wx' });
    }
    case 'sign': {
      const path = needed('in', values.in);
      const signer = await openSigner(needed('key', values.key), { create: false });
      return writeFile(path, await signRoot(await readFile(path), [signer]));
    }
    case 'show': {
      const { signed, signatures } = readRoot('root.json', await readFile(needed('in', values.in)));
      say(`version ${signed.version}, expires ${signed.expires}`);
      for (const [role, { keyIDs, threshold }] of Object.entries(signed.roles)) {
        say(`  ${role}: ${threshold} of ${keyIDs.join(', ')}`);
      }
      return say(`signed by ${Object.keys(signatures).join(', ') || 'nobody yet'}`);
    }
    default:
      throw new TypeError('name a command: key, draft, sign or show');
  }
}

const argv = process.argv.slice(2);
if (argv.includes('--help') || argv.length === 0) say(HELP);
else {
  await run(argv).catch(error => {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = error instanceof Failure ? 1 : 2;
  });
}
