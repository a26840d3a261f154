import { parseArgs } from 'node:util';
import { fuzz } from './run.ts';
import { shown } from './shown.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '200000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    all: { type: 'boolean', default: false },
  },
});

const report = await fuzz({
  requests: Number(values.requests),
  seed: Number(values.seed),
  all: values.all,
  progress: requests => process.stderr.write(`${requests} requests\n`),
});
process.stdout.write(shown(report));
process.exitCode = report.findings.length > 0 ? 1 : 0;
