import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Bucket, PutCondition } from '../../ports/bucket.ts';
import type { Upload } from '../../ports/uploads.ts';
import { fail } from '../../schema/failure.ts';
import { checkKey, checkPrefix } from '../bucket-key.ts';
import { makeDirectory, replaceFile, syncDirectory } from './files.ts';
import { damaged } from './refusals.ts';

/** A bucket as a directory. An object is one file: a line of JSON that tells length, ETag and type, then the body. */
export interface LocalBucket extends Bucket {
  /** The content type that an object was put with. */
  contentType(key: string): Promise<string | undefined>;
  /** Puts a body while it comes in, and gives its ETag. What is not as long as was said is refused and leaves nothing. */
  receive(key: string, body: AsyncIterable<Uint8Array>, upload: Upload): Promise<string>;
}

const Header = z.strictObject({
  length: z.int().min(0),
  etag: z.string().regex(/^"[0-9a-f]{32}"$/),
  contentType: z.string(),
});
type Header = z.infer<typeof Header>;

/** Ends every file's name and is in no key, so that `a` and `a/b` can both be objects. */
const FILE = '~';
/** Files that are being written; what a killed process left in it was never acknowledged. */
const ASIDE = '~aside';

const NEWLINE = 0x0a;
const HEADER_BYTES = 1024;

/**
 * Opens the bucket, making it when there is none, and reads every object once. Fails with `unavailable`, naming the
 * file, when one is damaged: it is neither dropped nor repaired.
 */
export async function openBucket(directory: string): Promise<LocalBucket> {
  await makeDirectory(join(directory, ASIDE), 0o700);
  for (const name of await readdir(join(directory, ASIDE))) await rm(join(directory, ASIDE, name));
  for (const key of await keysBelow(directory, '')) await read(pathOf(directory, key));

  const oneAtATime = queuePerKey();
  let written = 0;

  const replace = async (key: string, body: Uint8Array, contentType: string): Promise<string> => {
    const etag = etagOf(body);
    const header = line({ length: body.length, etag, contentType });
    const path = pathOf(directory, key);
    await makeDirectory(dirname(path), 0o700);
    written += 1;
    await replaceFile(path, join(directory, ASIDE, String(written)), [header, body], 0o600);
    return etag;
  };

  return {
    async get(key, condition) {
      const object = await read(pathOf(directory, key));
      if (!object) return { found: false };
      const { etag } = object.header;
      return condition?.ifNoneMatch === etag
        ? { found: true, modified: false, etag }
        : { found: true, modified: true, etag, body: object.body };
    },
    async read(key) {
      const path = pathOf(directory, key);
      const header = await headerOf(path);
      return header && bodyOf(path, header);
    },
    receive: (key, body, upload) =>
      oneAtATime(key, async () => {
        const path = pathOf(directory, key);
        await makeDirectory(dirname(path), 0o700);
        written += 1;
        return receiveFile(path, join(directory, ASIDE, String(written)), body, upload);
      }),
    put: (key, body, { contentType, ...condition }) =>
      oneAtATime(key, async () => {
        const there = isConditional(condition)
          ? (await read(pathOf(directory, key)))?.header.etag
          : undefined;
        if (!allows(condition, there)) return { outcome: 'conflict' };
        return { outcome: 'written', etag: await replace(key, body, contentType) };
      }),
    async list(prefix) {
      const folder = checkPrefix(prefix).slice(0, prefix.lastIndexOf('/') + 1);
      const keys = await keysBelow(directory, folder);
      return keys.filter(key => key.startsWith(prefix)).sort();
    },
    delete: key =>
      oneAtATime(key, async () => {
        const path = pathOf(directory, key);
        await rm(path, { force: true });
        await syncDirectory(dirname(path)).catch(ignoreMissing);
      }),
    contentType: async key => (await read(pathOf(directory, key)))?.header.contentType,
  };
}

/** As S3 makes it for an object that was put in one piece. */
const etagOf = (body: Uint8Array): string => quoted(createHash('md5').update(body).digest('hex'));
const quoted = (digest: string): string => `"${digest}"`;

const isConditional = ({ ifMatch, ifNoneMatch }: PutCondition): boolean =>
  ifMatch !== undefined || ifNoneMatch !== undefined;

const allows = ({ ifMatch, ifNoneMatch }: PutCondition, etag: string | undefined): boolean =>
  (ifMatch === undefined || ifMatch === etag) && (ifNoneMatch === undefined || etag === undefined);

const pathOf = (directory: string, key: string): string =>
  join(directory, ...checkKey(key).split('/')) + FILE;

const line = (header: Header): Buffer => Buffer.from(`${JSON.stringify(header)}\n`);

/** The header of an object's file; undefined when there is none. */
async function headerOf(path: string): Promise<(Header & { start: number }) | undefined> {
  const file = await open(path).catch(ignoreMissing);
  if (!file) return undefined;
  await using handle = file;
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
  const start = buffer.subarray(0, bytesRead).indexOf(NEWLINE) + 1;
  const header = Header.safeParse(json(buffer.subarray(0, Math.max(0, start - 1)).toString()));
  if (header.success) return { ...header.data, start };
  throw damaged(path, 'its first line is not what was written');
}

/** The body of an object's file in pieces. Behind the last one it is known whether they are what was written. */
async function* bodyOf(path: string, { start, length, etag }: Header & { start: number }) {
  const hash = createHash('md5');
  let found = 0;
  for await (const chunk of createReadStream(path, { start }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    found += chunk.length;
    yield new Uint8Array(chunk);
  }
  if (found !== length) throw damaged(path, `it holds ${found} bytes instead of ${length}`);
  if (quoted(hash.digest('hex')) !== etag) throw damaged(path, 'its body does not match its ETag');
}

/** As replaceFile, of a body that comes in pieces: its ETag, which stands in front of it, is written last. */
async function receiveFile(
  path: string,
  aside: string,
  body: AsyncIterable<Uint8Array>,
  { size: length, contentType }: Upload,
): Promise<string> {
  const hash = createHash('md5');
  let found = 0;
  let etag = quoted('0'.repeat(32));
  try {
    await using handle = await open(aside, 'w', 0o600);
    await handle.writeFile(line({ length, etag, contentType }));
    for await (const chunk of body) {
      found += chunk.length;
      if (found > length) break;
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
    if (found !== length)
      throw fail('bad_request', `the body has other than the ${length} bytes that were announced`);
    etag = quoted(hash.digest('hex'));
    await handle.write(line({ length, etag, contentType }), 0, undefined, 0);
    await handle.sync();
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
  await rename(aside, path);
  await syncDirectory(dirname(path));
  return etag;
}

async function read(path: string): Promise<{ header: Header; body: Uint8Array } | undefined> {
  const bytes = await readFile(path).catch(ignoreMissing);
  if (!bytes) return undefined;
  const end = bytes.subarray(0, HEADER_BYTES).indexOf(NEWLINE);
  const header = Header.safeParse(json(bytes.subarray(0, Math.max(0, end)).toString()));
  const body = new Uint8Array(bytes.buffer, bytes.byteOffset + end + 1, bytes.length - end - 1);
  if (!header.success) throw damaged(path, 'its first line is not what was written');
  if (header.data.length !== body.length)
    throw damaged(path, `it holds ${body.length} bytes instead of ${header.data.length}`);
  if (header.data.etag !== etagOf(body)) throw damaged(path, 'its body does not match its ETag');
  return { header: header.data, body };
}

const json = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Keys of the objects below a folder, which is empty or ends in a slash. Order is the file system's. */
async function keysBelow(directory: string, folder: string): Promise<string[]> {
  const entries =
    (await readdir(join(directory, folder), { withFileTypes: true }).catch(ignoreMissing)) ?? [];
  const lists = entries.map(async entry => {
    if (entry.name === ASIDE) return [];
    if (entry.isDirectory()) return keysBelow(directory, `${folder}${entry.name}/`);
    return entry.name.endsWith(FILE) ? [`${folder}${entry.name.slice(0, -FILE.length)}`] : [];
  });
  return (await Promise.all(lists)).flat();
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
    return;
  throw error;
}

/** Runs what concerns one key one after the other: between looking at an ETag and replacing the object nobody writes. */
function queuePerKey(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const mine = (last.get(key) ?? Promise.resolve()).then(work, work);
    last.set(key, mine);
    const leave = (): void => {
      if (last.get(key) === mine) last.delete(key);
    };
    mine.then(leave, leave);
    return mine;
  };
}
