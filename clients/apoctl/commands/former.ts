import type { Command } from 'commander';
import { fail } from '../../../shared/schema/failure.ts';

/** Commands of the original that have another name here, or none, by the command that they belong to: what to do instead. */
export const FORMER: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '': {
    protect:
      'an agent installs itself: run `prisma-enforcer install` on its host, see docs/enforcer.md; `apoctl enforcer preflight` checks the host',
    unprotect: 'an agent removes itself: run `prisma-enforcer uninstall` on its host',
    appcred:
      'app credentials are objects: `apoctl api create appcredential -k name=ci -k roles=@auth:role=namespace.viewer`, and `api list`, `api update` and `api delete`',
    configure:
      'write ~/.apoctl/default.yaml with `api`, `namespace` and `creds`, or name another file with --config',
    profiles: 'name the profile with --config-name or APOCTL_CONFIG_NAME; it is a file in ~/.apoctl',
    completion:
      'there is none for shells; `apoctl help` and `--help` behind every command tell what can be said',
    update: 'apoctl comes with the checkout; update that',
    stats: 'ask the flow records: `apoctl reportsquery flows`',
    reports: 'ask the flow records: `apoctl reportsquery flows`',
    metrics:
      'there are none to ask for; the installation on AWS has alarms and a dashboard, see docs/deploy.md',
    oam: 'ask what policy would do: `apoctl decide`',
    ssh: 'there is no SSH certificate authority here',
  },
  api: {
    all: 'name what you want to see: `apoctl api export networkrulesetpolicies externalnetworks`, `apoctl api list`',
    info: 'say `apoctl api describe <identity>`',
    stub: 'say `apoctl api describe <identity>`, or export an object that there is: `apoctl api export`',
    search: 'filter what there is: `apoctl api list <identity> -r -f "name matches web"`',
  },
  enforcer: {
    install:
      'an agent installs itself: run `prisma-enforcer install` on its host, see docs/enforcer.md; `apoctl enforcer preflight` checks the host',
    uninstall: 'an agent removes itself: run `prisma-enforcer uninstall` on its host',
    'switch-to': 'agents are uninstalled and installed, wave by wave: `apoctl enforcer upgrade start`',
    collect: 'the host has it: `prisma-enforcer status`, `prisma-enforcer flows`, and its log',
    download: 'the host has it: `prisma-enforcer status`, `prisma-enforcer flows`, and its log',
  },
};

/** They are found and shown nowhere; who types one is told what it is called now. */
export function addFormer(command: Command, of: keyof typeof FORMER): void {
  for (const [name, instead] of Object.entries(FORMER[of] ?? {})) {
    command
      .command(name, { hidden: true })
      .argument('[anything...]')
      .allowUnknownOption()
      .helpOption(false)
      .action(() => {
        const said = ['apoctl', of, name].filter(part => part !== '').join(' ');
        throw fail('bad_request', `\`${said}\` is no command here: ${instead}`);
      });
  }
}
