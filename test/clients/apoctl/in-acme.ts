import { afterAll, beforeAll, beforeEach } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../../local/control-plane.ts';
import type { Client } from '../../../shared/api/client.ts';

import { type DataDirectory, dataDirectory } from '../../make/data-directory.ts';
import { administratorOf } from '../../make/process.ts';
import { quiet } from '../../make/state-machine.ts';
import { type Terminal, terminal } from './terminal.ts';

/** The control plane's, for what no command makes. */
type Prepare = (user: Terminal, client: Client) => Promise<unknown>;

/** A control plane for the tests of a file, with the tenant /acme, and for each of them a user who works there. */
export function inAcme(prepare: Prepare): { readonly user: Terminal } {
  let directory: DataDirectory;
  let plane: ControlPlane;
  let user: Terminal;
  const enter = () => terminal({ APOCTL_CREDS: plane.administrator, APOCTL_NAMESPACE: '/acme' });
  beforeAll(async () => {
    directory = dataDirectory();
    plane = await startControlPlane({ data: directory.path, host: '127.0.0.1', port: 0, log: quiet });
    const first = await enter();
    await first.type('api', 'create', 'namespace', '-n', '/', '-k', 'name', 'acme', '-k', 'type', 'Tenant');
    await prepare(first, await administratorOf(directory.path));
    await first.leave();
  });
  afterAll(async () => {
    await plane.stop();
    await directory.stop();
  });
  beforeEach(async () => {
    user = await enter();
    return () => user.leave();
  });
  return {
    get user() {
      return user;
    },
  };
}
