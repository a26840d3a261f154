import { fail } from '../../../shared/schema/failure.ts';
import { LARGEST, type Piece, type Split } from './piece.ts';

const [QUOTE, BACKSLASH, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST, COLON, COMMA] = Buffer.from('"\\{}[]:,');

/** Levels of a document: itself, `data`, a list, and an object in the list. */
const LISTS = 3;

/** What encloses the place that is being read. */
interface Level {
  isList: boolean;
  /** The name that was read last, where it is an object. */
  name: string;
  /** Values before this one, where it is a list. */
  index: number;
}

/**
 * Takes a JSON document apart while it comes in, so that no more than one object at a time is more than text. Only
 * strings and brackets are looked at: whether it is JSON at all, `JSON.parse` says of the skeleton and of each piece.
 */
export class JsonSplitter {
  readonly #levels: Level[] = [];
  readonly #pieces: Piece[] = [];
  readonly #skeleton: Buffer[] = [];
  /** Bytes of the object that is being read. */
  #object: Buffer[] = [];
  #bytes = 0;
  /** Levels within the object that is being read; 0: none is. */
  #inside = 0;
  #inText = false;
  #escaped = false;
  /** The text that is being read or was read last, outside of objects: a name, if a colon follows. */
  #word: Buffer[] = [];
  #text = '';

  write(chunk: Buffer): void {
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#inText) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) {
          this.#inText = false;
          if (this.#inside === 0) this.#keepWord(chunk.subarray(from, at));
        }
        continue;
      }
      if (byte === QUOTE) {
        this.#inText = true;
        if (this.#inside === 0) from = this.#outside(chunk, from, at + 1);
      } else if (this.#inside > 0) {
        if (byte === OPEN || byte === OPEN_LIST) this.#inside += 1;
        else if (byte === CLOSE || byte === CLOSE_LIST) this.#inside -= 1;
        if (this.#inside === 0) {
          this.#take(chunk.subarray(from, at + 1));
          this.#finish();
          from = at + 1;
        }
      } else if (byte === OPEN && this.#isItem()) {
        this.#outside(chunk, from, at);
        from = at;
        this.#inside = 1;
      } else this.#structure(byte);
    }
    if (this.#inside > 0) this.#take(chunk.subarray(from));
    else {
      if (this.#inText) this.#word.push(Buffer.from(chunk.subarray(from)));
      this.#outside(chunk, from, chunk.length);
    }
  }

  end(): Split {
    if (this.#inside > 0) throw fail('invalid', 'the document ends within an object; send all of it');
    return { skeleton: Buffer.concat(this.#skeleton).toString('utf8'), pieces: this.#pieces };
  }

  #isItem(): boolean {
    const [top, data, list] = this.#levels;
    return (
      this.#levels.length === LISTS &&
      top?.isList === false &&
      top.name === 'data' &&
      data?.isList === false &&
      list?.isList === true
    );
  }

  #structure(byte: number): void {
    const level = this.#levels.at(-1);
    if (byte === OPEN || byte === OPEN_LIST)
      this.#levels.push({ isList: byte === OPEN_LIST, name: '', index: 0 });
    else if (byte === CLOSE || byte === CLOSE_LIST) this.#levels.pop();
    else if (byte === COLON && level) level.name = this.#text;
    else if (byte === COMMA && level?.isList) level.index += 1;
  }

  /** What is no object stays in the skeleton. Gives the end of it. */
  #outside(chunk: Buffer, from: number, to: number): number {
    if (to > from) this.#skeleton.push(Buffer.from(chunk.subarray(from, to)));
    return to;
  }

  /** The rest of a text, its quote not among it. */
  #keepWord(rest: Buffer): void {
    const word = Buffer.concat([...this.#word, rest]).toString('utf8');
    this.#word = [];
    try {
      this.#text = String(JSON.parse(`"${word}"`));
    } catch {
      this.#text = '';
    }
  }

  #take(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#bytes > LARGEST) {
      const { plural, index } = this.#place();
      throw fail(
        'too_large',
        `data.${plural}[${index}] has more than ${LARGEST} bytes; no object may have so many`,
      );
    }
    this.#object.push(Buffer.from(bytes));
  }

  #place(): Omit<Piece, 'text'> {
    return { plural: this.#levels[1]?.name ?? '', index: this.#levels[2]?.index ?? 0 };
  }

  #finish(): void {
    this.#pieces.push({ ...this.#place(), text: Buffer.concat(this.#object).toString('utf8') });
    this.#skeleton.push(Buffer.from('null'));
    this.#object = [];
    this.#bytes = 0;
  }
}
