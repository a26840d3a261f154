import { type Model, TALLY } from '../policy/model.ts';
import { epochChains, FRESH, type Standing } from './epoch.ts';
import {
  add,
  chainText,
  declared,
  elementTexts,
  freshElements,
  lines,
  STAMP,
  stampElements,
  TABLE,
} from './text.ts';

/** Elements that are one piece of a script. */
const TOGETHER = 512;

/** The same as `add`, piece by piece. */
function* adding(map: string, elements: Iterable<string>): Generator<string> {
  let piece: string[] = [];
  let before = `add element ${TABLE} ${map} { `;
  let isEmpty = true;
  for (const element of elements) {
    isEmpty = false;
    if (piece.push(element) < TOGETHER) continue;
    yield before + piece.join(', ');
    piece = [];
    before = ', ';
  }
  if (!isEmpty) yield `${piece.length === 0 ? '' : before + piece.join(', ')} }\n`;
}

/** Everything, in one go, piece by piece; in place of whatever the table held before. */
export function* loadPieces(model: Model, { epoch, fresh }: Standing): Generator<string> {
  yield `add table ${TABLE}\ndelete table ${TABLE}\ntable ${TABLE} {\n`;
  yield [
    `map ${STAMP} { type mark : mark; }\n`,
    `set ${FRESH[4]} { type ipv4_addr; }\n`,
    `set ${FRESH[6]} { type ipv6_addr; }\n`,
    `set ${TALLY} { type classid; counter; }\n`,
    ...declared(model.maps),
  ].join('');
  for (const [name, chain] of new Map([...epochChains({ epoch, fresh }), ...model.chains]))
    yield chainText(name, chain);
  yield '}\n';
  for (const [name, { elements }] of model.maps) yield* adding(name, elementTexts(elements));
  yield* adding(TALLY, model.counters);
  yield lines([...freshElements(fresh), ...add(STAMP, stampElements(model.digest, epoch))]);
}

export const loadText = (model: Model, standing: Standing): string =>
  [...loadPieces(model, standing)].join('');
