import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createClient, credentialToken } from '../../shared/api/client.ts';
import { Credential } from '../../shared/schema/appcredential.ts';
import { Failure } from '../../shared/schema/failure.ts';
import { BundlePoller } from './poll.ts';
import { register, report } from './register.ts';

const HELP = `Polls the signed policy bundle of a namespace, as an enforcer does, and says what it verified.
It enforces nothing yet.

Usage: npm run enforcer -- --creds <file> --root <file> --namespace <path> [options]

  --creds <file>       app credential with the role enforcer, or an administrator's
  --root <file>        root of trust that comes with the installation, <data>/root.json of the control plane
  --namespace <path>   the enforcer's namespace
  --name <name>        name of the enforcer (default: this host's name)
  --interval <s>       seconds between two polls (default 1)
  --once               ends after the first verified bundle
  --help               prints this text
`;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const { values } = parseArgs({
  options: {
    creds: { type: 'string', default: process.env.PRISMA_ENFORCER_CREDS ?? '' },
    root: { type: 'string', default: process.env.PRISMA_ENFORCER_ROOT ?? '' },
    namespace: { type: 'string', default: process.env.PRISMA_ENFORCER_NAMESPACE ?? '' },
    name: { type: 'string', default: hostname() },
    interval: { type: 'string', default: '1' },
    once: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

async function run(): Promise<void> {
  const credential = Credential.parse(JSON.parse(await readFile(values.creds, 'utf8')));
  const client = createClient({
    api: credential.APIURL,
    token: credentialToken(credential, { now: Date.now, randomBytes }),
  });
  const enforcer = await register(client, values.namespace, { name: values.name, machineID: values.name });
  say(`enforcer ${enforcer.name} (${enforcer.ID}) polls the bundle of ${enforcer.namespace}`);
  const poller = new BundlePoller({
    state: { root: await readFile(values.root) },
    now: () => new Date(),
    credentials: async () => {
      const { namespace, ID: id } = enforcer;
      return (await client.call('createEnforcerCredentials', { namespace, params: { id } })).body;
    },
  });
  for (;;) {
    const polled = await poller.poll();
    if (polled.outcome === 'opened' && polled.result.ok) {
      const { binding, payloads, revision } = polled.result;
      const { rulesets, externalNetworks } = payloads['policy.json'];
      const peers = payloads['peers.json'].identities.length;
      say(
        `verified revision ${revision} of ${binding.namespace}: ${rulesets.length} rulesets, ${externalNetworks.length} external networks, ${peers} peers`,
      );
      await report(client, enforcer, { revision, state: 'applied', reason: '', digest: '' });
      if (values.once) return;
    } else if (polled.outcome === 'opened' && !polled.result.ok && polled.result.reason !== 'missing') {
      say(`refused a bundle: ${polled.result.reason}: ${polled.result.detail}`);
    }
    // Jitter, so that many hosts that start together do not poll together.
    await sleep(Number(values.interval) * 1000 * (0.8 + 0.4 * Math.random()));
  }
}

if (values.help || !values.creds || !values.root || !values.namespace) {
  say(HELP);
  process.exitCode = values.help ? 0 : 2;
} else {
  await run().catch(error => {
    process.stderr.write(
      `error: ${error instanceof Failure || error instanceof Error ? error.message : String(error)}\n`,
    );
    process.exitCode = 1;
  });
}
