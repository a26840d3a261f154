import { systemTimers } from '../../local/asl/timers.ts';
import { systemClock } from '../../shared/adapters/local/clock.ts';
import { openDatabase } from '../../shared/adapters/local/database.ts';
import { accountEvent, onboarding, tree } from './onboarding.ts';

/**
 * A process that onboards an account and kills itself, with SIGKILL, right after it recorded its first transition. One
 * that finds nothing left to record prints the tenant's tree instead. Argument: the data directory.
 */
const [, , directory = ''] = process.argv;
const database = openDatabase(directory);
let recorded = 0;
const { deliver, workflows, store } = onboarding({
  database,
  time: { ...systemClock, timers: systemTimers, next: () => false, advance: () => {} },
  onTransition: moment => {
    recorded += moment === 'after' ? 1 : 0;
    if (recorded > 0) process.kill(process.pid, 'SIGKILL');
  },
});
await deliver(accountEvent('e1', { prismaID: 'killed', name: 'aws-dev', accountID: '826088932159' }));
await workflows.idle();
console.log(JSON.stringify(await tree(store, 'killed')));
database.close();
