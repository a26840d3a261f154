import { z } from 'zod';
import { ObjectId } from '../schema/ids.ts';
import { ProbeResult, RUNNER_WAYS } from '../schema/migration.ts';
import { WRITE } from './fails.ts';
import type { Route } from './route.ts';

/** What the runner on a host says of a directive. */
export const DirectiveReport = z.strictObject({
  directive: ObjectId.describe('The `id` of the task in directives.json.'),
  event: z
    .enum(['accepted', 'uninstalled', 'probed', 'failed'])
    .describe('It begins; nothing is left of the agent; what came of the probes; it could not be done.'),
  by: z.enum(RUNNER_WAYS).exactOptional().describe('What started the runner; absent: the agent.'),
  left: z
    .array(z.string().max(1024))
    .max(200)
    .default([])
    .describe('What is left of the agent: files, units, tables. Empty: nothing.'),
  reason: z.string().max(900).default('').describe('Why it failed.'),
  openMilliseconds: z.int().min(0).exactOptional().describe('How long no rule was loaded so far.'),
  probes: z.array(ProbeResult).max(50).exactOptional().describe('What came of the probes.'),
  rejected: z
    .strictObject({
      rate: z.number().min(0).describe('Rejected flows a minute since the install.'),
      baseline: z.number().min(0).describe('The same, before the uninstall.'),
    })
    .exactOptional()
    .describe('Rejected flows beside what was usual.'),
});
export type DirectiveReport = z.infer<typeof DirectiveReport>;

export const DirectiveAnswer = z.object({
  installToken: z
    .string()
    .exactOptional()
    .describe(
      'With which the agent registers: the answer to `accepted` of an install. Good once, for this enforcer.',
    ),
  repeated: z.boolean().describe('It was reported before, and means nothing any more.'),
});
export type DirectiveAnswer = z.infer<typeof DirectiveAnswer>;

/** What the runners of upgrades say. */
export const directiveRoutes = {
  reportDirective: {
    method: 'POST',
    path: '/enforcers/{id}/directives',
    group: 'enforcers',
    summary: 'Tells what the runner on a host has done of its directive.',
    allow: { identity: 'enforcer', verb: 'put' },
    input: DirectiveReport,
    ok: DirectiveAnswer,
    fails: WRITE,
  },
} as const satisfies Record<string, Route>;
