import type { Piece, Split } from './piece.ts';

const indentOf = (line: string): number => line.length - line.trimStart().length;
const isEmpty = (line: string): boolean => /^\s*(#.*)?$/.test(line);
const KEY = /^ *(?:"([^"\\]+)"|'([^']+)'|([A-Za-z][\w-]*)):\s*(?:#.*)?$/;
const ITEM = /^ *-(\s|$)/;

/** Where in the document a line stands. */
interface Place {
  /** Below the top level's `data:`. */
  inData: boolean;
  /** Columns before the names of resources; -1: none was seen yet. */
  names: number;
  plural: string;
  /** Columns before the dashes of the list; -1: none was seen yet. */
  dashes: number;
  index: number;
  item: string[] | undefined;
}

/**
 * Takes a YAML document apart by its lines, where it is written as exports are: in blocks, each object an item of a list.
 * A line that stands no deeper than the dash of a list ends its item, so what is within an object needs no look.
 * Whatever is written otherwise stays in the skeleton. Undefined when there are several documents.
 */
export function splitYaml(text: string): Split | undefined {
  const skeleton: string[] = [];
  const pieces: Piece[] = [];
  const place: Place = { inData: false, names: -1, plural: '', dashes: -1, index: 0, item: undefined };
  const close = (): void => {
    if (!place.item) return;
    pieces.push({ plural: place.plural, index: place.index, text: place.item.join('\n') });
    skeleton.push(`${' '.repeat(place.dashes)}- null`);
    place.index += 1;
    place.item = undefined;
  };
  let begun = false;
  for (const line of text.split(/\r?\n/)) {
    if (/^---(\s|$)/.test(line)) {
      if (begun) return undefined;
      continue;
    }
    const empty = isEmpty(line);
    const indent = indentOf(line);
    if (place.item && (empty || indent > place.dashes)) {
      place.item.push(line);
      continue;
    }
    close();
    begun ||= !empty;
    if (!empty && isStart(line, indent, place)) place.item = [line];
    else skeleton.push(line);
  }
  close();
  return { skeleton: skeleton.join('\n'), pieces };
}

/** Whether an object begins here; notes where the line is. */
function isStart(line: string, indent: number, place: Place): boolean {
  if (indent === 0 && !(place.inData && place.plural !== '' && place.names === 0)) {
    Object.assign(place, { inData: /^data:\s*(#.*)?$/.test(line), names: -1, plural: '', dashes: -1 });
    return false;
  }
  if (!place.inData) return false;
  if (place.names < 0) place.names = indent;
  const isDash = ITEM.test(line);
  if (indent === place.names && !isDash) {
    const [, double, single, plain] = KEY.exec(line) ?? [];
    Object.assign(place, { plural: double ?? single ?? plain ?? '', dashes: -1, index: 0 });
    return false;
  }
  if (!isDash || place.plural === '' || indent < place.names) return false;
  if (place.dashes < 0) place.dashes = indent;
  return indent === place.dashes;
}
