import { ImportRequest } from '../../../shared/api/messages.ts';
import { Failure, fail } from '../../../shared/schema/failure.ts';
import { plain } from '../../pipeline/decode.ts';
import { parsed } from '../../pipeline/problem.ts';
import { JsonSplitter } from './json.ts';
import { parseYaml } from './parse-yaml.ts';
import { LARGEST, type Piece, type Split } from './piece.ts';
import { splitYaml } from './yaml.ts';

export type Format = 'json' | 'yaml';

/** An export that came in pieces: its head, and its objects as JSON text, in the order of the file. */
export interface Document {
  head: Omit<ImportRequest['data'], 'data'>;
  pieces: Piece[];
}

/** Bytes of a YAML document that is read in one, because it is not written in blocks or has anchors. */
const WHOLE = 1024 * 1024;

const Head = ImportRequest.shape.data;

/** A parser's first line, which says what and where. */
const reason = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';

function json(text: string, what: string): unknown {
  try {
    return plain(JSON.parse(text), what);
  } catch (error) {
    throw error instanceof Failure ? error : fail('invalid', `${what} is not JSON: ${reason(error)}`);
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const listsOf = (outer: unknown): Record<string, unknown> =>
  isRecord(outer) && isRecord(outer.data) ? outer.data : {};

/** Every item of every list must be an object, and each list must stand once. */
function checkOuter(outer: unknown, pieces: readonly Piece[]): Document['head'] {
  if (!isRecord(outer)) throw fail('invalid', 'the document is no export: it is no object');
  const found = Map.groupBy(pieces, ({ plural }) => plural);
  const lists = listsOf(outer);
  for (const [plural, list] of Object.entries(lists)) {
    const own = new Set((found.get(plural) ?? []).map(({ index }) => index));
    if (!Array.isArray(list)) throw fail('invalid', `data.${plural} must be a list of objects`);
    const odd = list.findIndex((_, index) => !own.has(index));
    if (odd >= 0) throw fail('invalid', `data.${plural}[${odd}] must be an object`);
  }
  for (const [plural, own] of found) {
    const list = lists[plural];
    if (Array.isArray(list) && list.length === own.length) continue;
    throw fail('invalid', `data.${plural} stands twice; put all its objects into one list`);
  }
  const { data: _, ...head } = parsed(Head, {
    ...outer,
    data: isRecord(outer.data) ? {} : outer.data,
  });
  return head;
}

const documentOf = (outer: unknown, pieces: Piece[]): Document => ({
  head: checkOuter(outer, pieces),
  pieces,
});

async function splitJson(chunks: AsyncIterable<Uint8Array>): Promise<Document> {
  const splitter = new JsonSplitter();
  for await (const chunk of chunks) splitter.write(Buffer.from(chunk));
  const { skeleton, pieces } = splitter.end();
  return documentOf(json(skeleton, 'the document'), pieces);
}

function yaml(text: string, what: string): unknown {
  try {
    return plain(parseYaml(text, what), what);
  } catch (error) {
    throw error instanceof Failure ? error : fail('invalid', `${what} is not YAML: ${reason(error)}`);
  }
}

/** As JSON, so that all that follows knows one format. */
const asJson = ({ plural, index, text }: Piece): Piece => {
  const what = `data.${plural}[${index}]`;
  if (text.length > WHOLE) throw fail('too_large', `${what} has more than ${WHOLE} characters`);
  const value = yaml(text, what);
  const item: unknown = Array.isArray(value) ? value[0] : undefined;
  if (!isRecord(item)) throw fail('invalid', `${what} must be an object`);
  const made = JSON.stringify(item);
  if (made.length > LARGEST) throw fail('too_large', `${what} has more than ${LARGEST} bytes`);
  return { plural, index, text: made };
};

/** Read in one: what is in flow style, or refers from one object to another. */
function whole(text: string): Document {
  if (Buffer.byteLength(text) > WHOLE) {
    throw fail(
      'too_large',
      `a YAML document of more than ${WHOLE} bytes must have each object as an item of a block list, without anchors of others; write it so, or as JSON`,
    );
  }
  const outer = yaml(text, 'the document');
  const pieces = Object.entries(listsOf(outer)).flatMap(([plural, list]) =>
    Array.isArray(list)
      ? list.flatMap((item, index): Piece[] =>
          isRecord(item) ? [{ plural, index, text: JSON.stringify(item) }] : [],
        )
      : [],
  );
  return documentOf(outer, pieces);
}

async function readYaml(chunks: AsyncIterable<Uint8Array>): Promise<Document> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(Buffer.from(chunk));
  const text = Buffer.concat(parts).toString('utf8');
  const split = splitYaml(text);
  if (!split) {
    throw fail('invalid', 'there are several documents; one import takes one, so import them one by one');
  }
  try {
    return inBlocks(split);
  } catch (error) {
    // A mistake, or only another style of writing: read in one, a mistake is one still.
    const isMistake = error instanceof Failure && !error.message.includes('alias') && split.pieces.length > 0;
    if (isMistake && Buffer.byteLength(text) > WHOLE) throw error;
    return whole(text);
  }
}

function inBlocks({ skeleton, pieces }: Split): Document {
  const document = documentOf(yaml(skeleton, 'the document'), pieces);
  return { ...document, pieces: pieces.map(asJson) };
}

/**
 * Reads an export while it comes in. Its objects are looked at one by one, so that one that is no object is named by its
 * place.
 *
 * @throws `invalid`, `bad_request` or `too_large`, with what is wrong and where
 */
export const readDocument = (chunks: AsyncIterable<Uint8Array>, format: Format): Promise<Document> =>
  format === 'yaml' ? readYaml(chunks) : splitJson(chunks);

/** The object of a piece. */
export function objectOf({ plural, index, text }: Piece): Record<string, unknown> {
  const what = `data.${plural}[${index}]`;
  const value = json(text, what);
  if (isRecord(value)) return value;
  throw fail('invalid', `${what} must be an object`);
}
