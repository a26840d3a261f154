import { Session } from 'node:inspector/promises';
import { parseArgs } from 'node:util';
import { startControlPlane } from '../../local/control-plane.ts';
import { jsonLog } from '../../local/log.ts';

/**
 * The control plane as local/main.ts starts it, which also counts for its parent process: `count` begins to, `counted`
 * answers how often functions of functions/ were called since. Counting slows it down, so nothing is timed meanwhile.
 */
const { data, port } = parseArgs({
  options: { data: { type: 'string', default: '' }, port: { type: 'string', default: '0' } },
}).values;
const plane = await startControlPlane({ data, host: '127.0.0.1', port: Number(port), log: jsonLog('WARN') });
const session = new Session();
session.connect();
process.on('message', async message => {
  if (message === 'count') {
    await session.post('Profiler.enable');
    await session.post('Profiler.startPreciseCoverage', { callCount: true });
    process.send?.(0);
  } else if (message === 'counted') {
    const { result } = await session.post('Profiler.takePreciseCoverage');
    const calls = result
      .filter(script => script.url.includes('/functions/'))
      .flatMap(script => script.functions)
      .reduce((sum, each) => sum + (each.ranges[0]?.count ?? 0), 0);
    await session.post('Profiler.stopPreciseCoverage');
    await session.post('Profiler.disable');
    process.send?.(calls);
  }
});
process.once('SIGTERM', () => plane.stop().then(() => process.exit(0)));
process.stdout.write(`the control plane listens on ${plane.url}\n`);
