import type { AnswerOf } from '../../shared/api/client.ts';
import { Failure, fail } from '../../shared/schema/failure.ts';
import { printable } from '../terminal.ts';
import type { Io } from './io.ts';
import type { Session } from './session.ts';

/** An import by the workflow, as it is shown. */
export type Run = AnswerOf<'getImport'>;

/** Characters of a document above which it goes through the bucket: a request takes a megabyte, and half a minute. */
const LARGE = 512 * 1024;
/** Objects above which it does, however small they are. */
const MANY = 500;

/** Milliseconds between two looks. */
const BETWEEN = 500;
/** Milliseconds between two lines, where the progress cannot be written over. */
const QUIET = 5000;
const WIDTH = 30;

const ENDED = ['Succeeded', 'Refused', 'Cancelled', 'Failed'];

/** Whether a document is too much for one request. */
export const isLarge = (text: string, objects: number): boolean => text.length > LARGE || objects > MANY;

export interface LargeOptions {
  label?: string;
  mode?: 'Import' | 'ReplacePartial' | 'Remove';
  deleteMissing: boolean;
  /** It is left alone once it was started. */
  noWait: boolean;
}

/** How to look after an import from another terminal. */
const hints = ({ ID, namespace }: Pick<Run, 'ID' | 'namespace'>): string =>
  `look at it with   apoctl api import -n ${namespace} --follow ${ID}\nend it with       apoctl api import -n ${namespace} --cancel ${ID}\n`;

/** What is done of what: every object is looked at, and then applied. */
export function progressLine({ status, total, validated, applied }: Progress): string {
  if (status === 'Uploading' || status === 'Queued') return 'waits to begin';
  const [verb, done] = status === 'Validating' ? ['checked', validated] : ['applied', applied];
  return `${verb} ${done} of ${total}`;
}
type Progress = Pick<Run, 'status' | 'total' | 'validated' | 'applied'>;

/** Looking and applying are half of it each. */
export const shareOf = ({
  total,
  validated,
  applied,
}: Pick<Run, 'total' | 'validated' | 'applied'>): number =>
  total === 0 ? 0 : (validated + applied) / (2 * total);

function bar(run: Run): string {
  const full = Math.floor(shareOf(run) * WIDTH);
  return `\r[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${progressLine(run)}`.padEnd(WIDTH + 40);
}

/** Tells the progress on standard error: a bar where it can be written over, else a line now and then. */
function teller(io: Io): { tell: (run: Run) => void; end: () => void } {
  let shown = '';
  let since = Number.NEGATIVE_INFINITY;
  return {
    tell: run => {
      const text = io.errIsScreen ? bar(run) : `${progressLine(run)}\n`;
      if (text === shown || (!io.errIsScreen && io.now() - since < QUIET)) return;
      shown = text;
      since = io.now();
      io.err(text);
    },
    end: () => {
      if (io.errIsScreen && shown !== '') io.err(`\r${' '.repeat(WIDTH + 40)}\r`);
    },
  };
}

/** Not the end of the import: of looking at it. */
export class Interrupted extends Error {}

/**
 * Waits until an import has ended. Interrupted, it leaves the import alone and says how to look at it.
 *
 * @throws Interrupted
 */
export async function follow(io: Io, { client, namespace }: Session, ID: string): Promise<Run> {
  const look = async (): Promise<Run> =>
    (await client.call('getImport', { namespace, params: { id: ID } })).body;
  const { tell, end } = teller(io);
  const signal = io.interrupted();
  const interrupted = new Promise<never>((_, reject) => {
    const stop = (): void => reject(new Interrupted(ID));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
  interrupted.catch(() => undefined);
  try {
    for (;;) {
      const run = await Promise.race([look(), interrupted]);
      if (ENDED.includes(run.status)) return run;
      tell(run);
      await Promise.race([io.sleep(BETWEEN, signal), interrupted]);
    }
  } catch (error) {
    end();
    if (error instanceof Interrupted)
      io.err(`import ${ID} goes on without you\n${hints({ ID: ID as Run['ID'], namespace })}`);
    throw error;
  } finally {
    end();
  }
}

/** @throws what the import was refused for */
export function mustHaveSucceeded({ status, errors, reason, ID }: Run): void {
  if (status === 'Succeeded') return;
  const told = errors.map(({ at, title, description }) => ({
    description: `${title}: ${at === '' ? '' : `${at}: `}${description}`,
  }));
  throw new Failure('invalid', [...told, { description: `import ${ID} is ${status}: ${reason}` }]);
}

async function upload(io: Io, place: NonNullable<AnswerOf<'createImport'>['upload']>, text: string) {
  const { 'content-length': _, ...headers } = place.headers;
  try {
    const answer = await io.fetch(place.url, { method: place.method, headers, body: text });
    if (answer.ok) return;
    throw fail(
      'unavailable',
      `the document was not taken: ${answer.status} ${(await answer.text()).slice(0, 200)}`,
    );
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw fail('unavailable', `the document could not be sent to ${new URL(place.url).host}: ${error}`);
  }
}

/** Uploads a document and starts its import. Gives where it stands: at its end, unless it is not waited for. */
export async function importLarge(
  io: Io,
  session: Session,
  text: string | undefined,
  { noWait, ...options }: LargeOptions,
): Promise<Run> {
  const { client, namespace } = session;
  const size = text === undefined ? {} : { size: new TextEncoder().encode(text).length };
  const { body: created } = await client.call('createImport', { namespace, body: { ...options, ...size } });
  if (text !== undefined && created.upload) await upload(io, created.upload, text);
  const params = { id: created.ID };
  const { body: started } = await client.call('startImport', { namespace, params });
  if (noWait) {
    io.err(`import ${printable(created.ID)} was started\n${hints(started)}`);
    return started;
  }
  return follow(io, session, created.ID);
}
