import { Command } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { identities, resourceOf } from '../../shared/schema/resources.ts';
import { addAuth } from './commands/auth.ts';
import { addConvert } from './commands/convert.ts';
import { addCount } from './commands/count.ts';
import { addCreate } from './commands/create.ts';
import { addDecide } from './commands/decide.ts';
import { addDelete } from './commands/delete.ts';
import { addDeleteMany } from './commands/delete-many.ts';
import { addDescribe } from './commands/describe.ts';
import { addEnforcer } from './commands/enforcer.ts';
import { addExport } from './commands/export.ts';
import { addFormer } from './commands/former.ts';
import { addGet } from './commands/get.ts';
import { addImport } from './commands/import.ts';
import { addList } from './commands/list.ts';
import { addListen } from './commands/listen.ts';
import { addReportsQuery } from './commands/reportsquery.ts';
import { addUpdate } from './commands/update.ts';
import type { Io } from './io.ts';
import { withGlobals } from './options.ts';

/** Every resource with its names, for help texts. */
const identityList = (): string => {
  const width = Math.max(...identities.map(identity => identity.length));
  const lines = identities.map(identity => {
    const { aliases, summary } = resourceOf(identity);
    const also = aliases.length > 0 ? ` (${aliases.join(', ')})` : '';
    return `  ${identity.padEnd(width)}  ${summary}${also}`;
  });
  return `\nIdentities:\n${lines.join('\n')}\n`;
};

const SETTINGS = `
A value comes from the option, else from the environment, else from the profile, else from the credential or the default.
Exit codes: 0 done, 1 refused or failed, 2 wrong usage.

Examples:
  $ apoctl --creds .microseg/admin.creds api list namespaces -n / -r -o table
  $ eval "$(apoctl auth appcred --path default.creds -e)"
`;

/** The tree of commands. Nothing is read or sent before an action runs. */
export function programOf(io: Io): Command {
  const program = new Command('apoctl')
    .description('Command line of the Microseg API')
    .version(manifest.version, '--version', 'print the version')
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('Add --help to see what can be said.')
    .configureOutput({
      writeOut: text => io.out(text),
      writeErr: text => io.err(text),
      getOutHelpWidth: () => io.columns,
      getErrHelpWidth: () => io.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText('after', SETTINGS);
  withGlobals(program);
  const api = withGlobals(program.command('api').description('Create, read, change and delete objects'));
  api.addHelpText('after', identityList);
  for (const add of [
    addCreate,
    addList,
    addGet,
    addUpdate,
    addDelete,
    addDeleteMany,
    addDescribe,
    addCount,
    addExport,
    addImport,
    addListen,
  ])
    add(api, io);
  addDecide(program, io);
  addConvert(program, io);
  addReportsQuery(program, io);
  addAuth(program, io);
  addEnforcer(program, io);
  addFormer(program, '');
  addFormer(api, 'api');
  const enforcer = program.commands.find(command => command.name() === 'enforcer');
  if (enforcer) addFormer(enforcer, 'enforcer');
  return program;
}
