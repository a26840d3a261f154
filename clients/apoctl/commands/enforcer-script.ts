import type { Command } from 'commander';
import { valid } from 'semver';
import { fail } from '../../../shared/schema/failure.ts';
import { NamespacePath } from '../../../shared/schema/ids.ts';
import type { Io } from '../io.ts';
import { CREDENTIAL, installation, removal, yamlOf } from '../kubernetes.ts';
import * as options from '../options.ts';
import { settle } from '../settings.ts';
import { windowsScript } from '../windows.ts';

interface Common {
  enforcerVersion: string;
  tag: string[];
}

interface KubernetesOptions extends Common {
  image: string;
  imagePullSecret: string[];
  remove?: boolean;
}

interface WindowsOptions extends Common {
  url: string;
  sha256: string;
}

const KUBERNETES = `
There is no upgrade in place: remove the agents of the former version, then apply the new one. The rules stay in the kernels of the
nodes meanwhile. The secret ${CREDENTIAL} in the namespace aporeto, with default.creds and root.json, is made by hand, and
nothing of this touches it.

Examples:
  $ apoctl enforcer script kubernetes -n /acme/k8s --enforcer-version 1.2.0 --image r.example.com/prisma-enforcer --remove |
      kubectl delete --cascade=foreground --wait -f -
  $ apoctl enforcer script kubernetes -n /acme/k8s --enforcer-version 1.3.0 --image r.example.com/prisma-enforcer |
      kubectl apply --server-side -f -
`;

const WINDOWS = `
Examples:
  $ apoctl enforcer script windows -n /acme/windows --enforcer-version 1.3.0 \\
      --url https://example.com/prisma-enforcer-1.3.0.msi --sha256 <64 hex characters> > upgrade.ps1
`;

/** What changes the version of agents where the runner of a Linux host does not run. */
export function addScript(enforcer: Command, io: Io): void {
  const script = options.withGlobals(
    enforcer
      .command('script')
      .description('Print what changes the version of agents on Kubernetes and Windows'),
  );
  const kubernetes = common(script.command('kubernetes'))
    .description('Print manifests for Kubernetes: of the agents to remove, or of everything to apply')
    .requiredOption('--image <name>', 'image of the agent, without its tag')
    .option(
      '--image-pull-secret <name>',
      'secret that the image is pulled with; repeatable',
      options.each,
      [],
    )
    .option('--remove', 'what is to be removed before')
    .addHelpText('after', KUBERNETES)
    .action((said: KubernetesOptions, self: Command) => forKubernetes(io, said, options.flagsOf(self)));
  const windows = common(script.command('windows'))
    .description('Print a script of PowerShell that uninstalls, verifies and installs')
    .requiredOption('--url <url>', 'where the package can be fetched')
    .requiredOption('--sha256 <digest>', "SHA-256 of the package's bytes, in hex")
    .addHelpText('after', WINDOWS)
    .action((said: WindowsOptions, self: Command) => forWindows(io, said, options.flagsOf(self)));
  for (const command of [kubernetes, windows]) options.withGlobals(command);
}

const common = (command: Command): Command =>
  command
    .requiredOption('--enforcer-version <version>', 'the semantic version')
    .option('--tag <key=value>', 'tag of the hosts; repeatable', options.each, []);

/** Everything that both need, read and checked. Nothing is asked of the API. */
async function placeOf(io: Io, { enforcerVersion, tag }: Common, flags: options.Flags) {
  const version = valid(enforcerVersion);
  if (version === null)
    throw fail(
      'bad_request',
      `--enforcer-version is \`${enforcerVersion}\`; give a semantic version such as 1.3.0`,
    );
  const { api, namespace } = await settle(io, flags);
  const path = NamespacePath.safeParse(namespace);
  if (!path.success || path.data === '/')
    throw fail(
      'bad_request',
      `enforcers live below the root, not in \`${namespace ?? ''}\`; give --namespace`,
    );
  const wrong = tag.find(text => !/^[^\s="$@+][^\s="]*=[^\s"]+$/.test(text));
  if (wrong !== undefined)
    throw fail('bad_request', `--tag is \`${wrong}\`; give key=value without spaces and quotes`);
  return { version, api, namespace: path.data, tags: tag };
}

async function forKubernetes(io: Io, said: KubernetesOptions, flags: options.Flags): Promise<void> {
  const { image, imagePullSecret: pullSecrets } = said;
  if (!/^[\w.-]+(:\d+)?(\/[\w.-]+)*$/.test(image))
    throw fail(
      'bad_request',
      `--image is \`${image}\`; give a name without a tag, such as r.example.com/prisma-enforcer`,
    );
  const plan = { ...(await placeOf(io, said, flags)), image, pullSecrets };
  io.out(yamlOf(said.remove ? removal(plan) : installation(plan)));
}

async function forWindows(io: Io, said: WindowsOptions, flags: options.Flags): Promise<void> {
  const { url, sha256 } = said;
  if (!/^[0-9a-fA-F]{64}$/.test(sha256))
    throw fail('bad_request', `--sha256 is \`${sha256}\`; give 64 hex characters`);
  if (!/^https:\/\/[^\s"]+$/.test(url)) throw fail('bad_request', `--url is \`${url}\`; give one of https`);
  io.out(windowsScript({ ...(await placeOf(io, said, flags)), url, sha256: sha256.toLowerCase() }));
}
