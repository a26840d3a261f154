import { fail } from '../../shared/schema/failure.ts';
import type { CloudName } from '../enforcer/agent/cloud.ts';
import { type Ask, askMetadata } from '../enforcer/agent/metadata.ts';
import { printable } from '../terminal.ts';
import type { Io } from './io.ts';

const NAMES = { aws: 'AWS', azure: 'Azure', gcp: 'Google Cloud' } as const satisfies Record<
  CloudName,
  string
>;

/** What the metadata service of a cloud answers; `instead`: what to give where there is none, or it knows no identity. */
export async function fromInstance<T>(
  io: Io,
  cloud: CloudName,
  ask: (ask: Ask) => Promise<T>,
  instead = 'a token with -t or --path',
): Promise<T> {
  try {
    return await ask(askMetadata(cloud, undefined, io.fetch));
  } catch (error) {
    const why = printable(error instanceof Error ? error.message : String(error));
    throw fail(
      'unauthorized',
      `the metadata service of ${NAMES[cloud]} proves no identity here (${why}); run it on an instance that has one, or give ${instead}`,
    );
  }
}
