/** One object of an export's `data`, as text. */
export interface Piece {
  /** Name of the resource, as the file says it: `externalnetworks`. */
  plural: string;
  /** Its place in the list, from 0. */
  index: number;
  /** The object in the document's own format. */
  text: string;
}

/** What is left of a document when its objects are taken out, and each of these. */
export interface Split {
  /** The document with `null` in the place of each object, which is how its outer part is checked. */
  skeleton: string;
  pieces: Piece[];
}

/** Bytes of one object's text; no store takes one that is larger, whatever it holds. */
export const LARGEST = 1024 * 1024;
