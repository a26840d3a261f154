/**
 * Where everything stands: groups from left to right as flows go, nodes in each of them likewise. The same map is laid
 * out the same way every time.
 */

const GAP = { column: 150, row: 36, group: 70, box: 44 };

/**
 * An order in which few flows go backwards: whoever only talks stands first, whoever is only talked to last, and of a
 * cycle the one that sends the most more than it gets. Source: Eades, Lin and Smyth, "A fast and effective heuristic for
 * the feedback arc set problem" (1993).
 */
function orderOf(IDs, links) {
  const sums = new Map(IDs.map(ID => [ID, { out: 0, in: 0, next: [], before: [] }]));
  for (const [from, to, weight] of links) {
    const [source, target] = [sums.get(from), sums.get(to)];
    source.out += weight;
    source.next.push([to, weight]);
    target.in += weight;
    target.before.push([from, weight]);
  }
  const left = new Set(IDs);
  const [first, last] = [[], []];
  const take = (ID, into) => {
    left.delete(ID);
    into.push(ID);
    for (const [to, weight] of sums.get(ID).next) sums.get(to).in -= weight;
    for (const [from, weight] of sums.get(ID).before) sums.get(from).out -= weight;
  };
  while (left.size > 0) {
    const all = [...left];
    const source = all.find(ID => sums.get(ID).in === 0);
    const sink = all.find(ID => sums.get(ID).out === 0);
    const balance = ID => sums.get(ID).out - sums.get(ID).in;
    if (source !== undefined) take(source, first);
    else if (sink !== undefined) take(sink, last);
    else
      take(
        all.reduce((best, ID) => (balance(ID) > balance(best) ? ID : best)),
        first,
      );
  }
  return [...first, ...last.reverse()];
}

/** Columns from 0: whoever is talked to stands behind who talks, but for what goes backwards. */
export function columnsOf(IDs, links) {
  const order = orderOf(IDs, links);
  const place = new Map(order.map((ID, at) => [ID, at]));
  const column = new Map(IDs.map(ID => [ID, 0]));
  const next = new Map(IDs.map(ID => [ID, []]));
  for (const [from, to] of links) if (place.get(from) < place.get(to)) next.get(from).push(to);
  for (const from of order)
    for (const to of next.get(from)) column.set(to, Math.max(column.get(to), column.get(from) + 1));
  return column;
}

/** IDs by column; one that has more than `most` is broken into several. */
function stacks(IDs, column, most) {
  const found = new Map();
  for (const ID of IDs) found.set(column.get(ID), [...(found.get(column.get(ID)) ?? []), ID]);
  return [...found]
    .sort(([a], [b]) => a - b)
    .flatMap(([, all]) =>
      Array.from({ length: Math.ceil(all.length / most) }, (_, at) => all.slice(at * most, (at + 1) * most)),
    );
}

/** Centres of the nodes of one group around its own, and its size. */
function boxOf(members, links, sizeOf, least, most) {
  const inside = new Set(members);
  const own = links.filter(([from, to]) => from !== to && inside.has(from) && inside.has(to));
  const columns = stacks(members, columnsOf(members, own), most);
  const widths = columns.map(all => Math.max(...all.map(ID => sizeOf(ID).width)));
  const heights = columns.map(all => all.reduce((sum, ID) => sum + sizeOf(ID).height + GAP.row, -GAP.row));
  const width = widths.reduce((sum, one) => sum + one + GAP.column / 2, -GAP.column / 2);
  const height = Math.max(...heights);
  const at = new Map();
  let x = -width / 2;
  for (const [index, all] of columns.entries()) {
    let y = -(heights[index] ?? 0) / 2;
    for (const ID of all) {
      const { height: own } = sizeOf(ID);
      at.set(ID, { x: x + widths[index] / 2, y: y + own / 2 });
      y += own + GAP.row;
    }
    x += widths[index] + GAP.column / 2;
  }
  return { at, width: Math.max(width, least.width), height: Math.max(height, least.height) };
}

const NOTHING = { width: 0, height: 0 };

/**
 * `links`: source, target and how many flows. `parentOf` gives the group of an ID, or undefined where it stands alone;
 * `leastOf` how large a group is at least; `most` how many stand in a column.
 */
export function positions(IDs, links, { parentOf, sizeOf, leastOf, most = 12 }) {
  const keyOf = ID => {
    const parent = parentOf(ID);
    return parent === undefined ? `1 ${ID}` : `0 ${parent}`;
  };
  const members = new Map();
  for (const ID of [...IDs].sort()) members.set(keyOf(ID), [...(members.get(keyOf(ID)) ?? []), ID]);
  const keys = [...members.keys()];
  const between = links
    .map(([from, to, weight]) => [keyOf(from), keyOf(to), weight])
    .filter(([from, to]) => from !== to);
  const least = key => (key.startsWith('0') ? leastOf(key.slice(2)) : NOTHING);
  const boxes = new Map(keys.map(key => [key, boxOf(members.get(key), links, sizeOf, least(key), most)]));
  const room = key => (key.startsWith('0') ? GAP.box : 0);
  const at = new Map();
  let x = 0;
  for (const all of stacks(keys, columnsOf(keys, between), most)) {
    const width = Math.max(...all.map(key => boxes.get(key).width + 2 * room(key)));
    const heights = all.map(key => boxes.get(key).height + 2 * room(key));
    let y = -heights.reduce((sum, one) => sum + one + GAP.group, -GAP.group) / 2;
    for (const [index, key] of all.entries()) {
      for (const [ID, own] of boxes.get(key).at)
        at.set(ID, { x: x + width / 2 + own.x, y: y + heights[index] / 2 + own.y });
      y += heights[index] + GAP.group;
    }
    x += width + GAP.column;
  }
  return at;
}

/** Most that a layout is pulled in height. */
const MOST_STRETCHED = 3;

/** A wide layout pulled in height until it is shaped like the room that it has: lines have more room, and nothing comes closer. */
export function stretched(at, room) {
  const [xs, ys] = [[...at.values()].map(({ x }) => x), [...at.values()].map(({ y }) => y)];
  const extent = all =>
    all.reduce((most, one) => Math.max(most, one), -Infinity) -
    all.reduce((least, one) => Math.min(least, one), Infinity);
  const wanted = (extent(xs) / Math.max(1, extent(ys))) * (room.height / Math.max(1, room.width));
  const factor = Math.min(MOST_STRETCHED, Math.max(1, wanted * 0.85));
  return new Map([...at].map(([ID, { x, y }]) => [ID, { x, y: y * factor }]));
}

const turned = ({ width, height }) => ({ width: height, height: width });

/** The same from the top down, for a room that is not wide. */
export function downwards(IDs, links, { sizeOf, leastOf, ...how }) {
  const own = {
    ...how,
    sizeOf: ID => turned(sizeOf(ID)),
    leastOf: parent => turned(leastOf(parent)),
    most: 4,
  };
  return new Map([...positions(IDs, links, own)].map(([ID, { x, y }]) => [ID, { x: y, y: x }]));
}
