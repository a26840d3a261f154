import { fail } from '../../shared/schema/failure.ts';
import { childPath, ROOT, shortName } from '../../shared/schema/ids.ts';
import { identities } from '../../shared/schema/resources.ts';
import type { Handler } from '../call.ts';
import { contents, crud, insert, prepare } from '../crud.ts';
import { brokenRules } from '../pipeline/problem.ts';
import { ensureTenant } from '../tasks/ensure-namespace.ts';

const namespace = crud('namespace', {
  check: (input, call) => {
    if (call.route.crud?.action === 'create' && input.name.includes('/')) {
      throw brokenRules([
        { path: ['name'], input: input.name, message: 'it is the short name; the path comes from X-Namespace' },
      ]);
    }
  },
  checkDelete: async (object, _call, deps) => {
    const held = await contents(object.name, deps, identities);
    if (held.length > 0) {
      throw fail('conflict', `namespace ${object.name} is not empty: it holds ${held.join(', ')}; delete them first`);
    }
  },
});
