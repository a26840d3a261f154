import { createHash } from 'node:crypto';
import { fail } from '../../schema/failure.ts';
import type { MapNode } from './nodes.ts';

/** What a level of a view puts together: a tag, tags with a beginning (`app=web*`), or each tag of a key by itself (`app`). */
interface Level {
  tag: string;
  name?: string;
  color?: string;
}

/** Levels from the outermost group inwards. */
type View = readonly Level[];

/** A group of nodes, in the original's attributes. */
export interface MapGroup {
  ID: string;
  name: string;
  /** As the view has it; empty: it has none. */
  color: string;
  /** Tags of the groups around it and its own. */
  match: string[][];
  /** Of the group around it; empty: there is none. */
  parentID: string;
}

const LONGEST = 1024;
const MOST_VIEWS = 20;
const MOST_LEVELS = 5;
const COLOR = /^(#[0-9a-f]{3,8}|[a-z]+)$/i;
const TOKEN = /\s*(?:"((?:[^"\\]|\\.)*)"|(,)|([^\s,"]+)|(\S))/gy;

const wrong = (said: string) =>
  fail(
    'bad_request',
    `query parameter view: ${said}; write TAG [as NAME] [in COLOR] then TAG …, …, such as $namespace then app as "app" in blue`,
  );

interface Token {
  text: string;
  /** A word that may be `as`, `in` or `then`; what is quoted never is. */
  kind: 'text' | 'word' | 'comma';
}

function tokensOf(text: string): Token[] {
  return [...text.trimEnd().matchAll(TOKEN)].map(([, quoted, comma, word, other]): Token => {
    if (quoted !== undefined) return { kind: 'text', text: quoted.replace(/\\(.)/gs, '$1') };
    if (comma !== undefined) return { kind: 'comma', text: comma };
    if (word !== undefined) return { kind: 'word', text: word };
    throw wrong(`a quote is not closed before \`${other}\``);
  });
}

/** @throws `bad_request` for what is no view */
export function readViews(text: string): View[] {
  if (text.length > LONGEST) throw wrong(`it has more than ${LONGEST} characters`);
  const tokens = tokensOf(text);
  let at = 0;
  const takes = (word: string): boolean => {
    const isNext = tokens[at]?.kind === 'word' && tokens[at]?.text.toLowerCase() === word;
    if (isNext) at += 1;
    return isNext;
  };
  const value = (what: string): string => {
    const token = tokens[at];
    if (!token || token.kind === 'comma' || token.text === '') throw wrong(`${what} is missing`);
    at += 1;
    return token.text;
  };
  const level = (): Level => {
    const tag = value('a tag');
    const name = takes('as') ? value(`the name of ${tag}`) : undefined;
    const color = takes('in') ? value(`the color of ${tag}`) : undefined;
    if (color !== undefined && !COLOR.test(color)) throw wrong(`\`${color}\` is no color`);
    return { tag, ...(name === undefined ? {} : { name }), ...(color === undefined ? {} : { color }) };
  };
  const views: Level[][] = [];
  do {
    const view = [level()];
    while (takes('then')) view.push(level());
    if (view.length > MOST_LEVELS) throw wrong(`a group has more than ${MOST_LEVELS} levels`);
    views.push(view);
    if (views.length > MOST_VIEWS) throw wrong(`there are more than ${MOST_VIEWS} groups`);
    const next = tokens[at];
    if (next !== undefined && next.kind !== 'comma') throw wrong(`\`${next.text}\` is out of place`);
  } while (at++ < tokens.length);
  return views;
}

/** The tag by which a node belongs to a level; of several the first. */
function tagFor({ tag }: Level, tags: readonly string[]): string | undefined {
  if (!tag.includes('=')) return tags.filter(one => one.startsWith(`${tag}=`)).sort()[0];
  if (tag.endsWith('*')) return tags.filter(one => one.startsWith(tag.slice(0, -1))).sort()[0];
  return tags.find(one => one === tag);
}

const nameFor = ({ tag, name }: Level, found: string): string => {
  const value = found.slice(found.indexOf('=') + 1);
  if (name === undefined) return tag === found ? found : value;
  return tag === found ? name : `${name} ${value}`;
};

/** The groups around a node, outermost first: of the first view of which it has a tag at the first level. */
function around(tags: readonly string[], views: readonly View[]): MapGroup[] {
  const view = views.find(([first]) => first !== undefined && tagFor(first, tags) !== undefined) ?? [];
  const groups: MapGroup[] = [];
  for (const level of view) {
    const found = tagFor(level, tags);
    if (found === undefined) break;
    const parent = groups.at(-1);
    const match = [...(parent?.match[0] ?? []), found];
    const ID = createHash('sha256').update(JSON.stringify(match)).digest('hex').slice(0, 24);
    const { color = '' } = level;
    groups.push({ ID, name: nameFor(level, found), color, match: [match], parentID: parent?.ID ?? '' });
  }
  return groups;
}

/** Each node with the innermost of its groups, and all groups by ID. */
export function grouped(nodes: Readonly<Record<string, MapNode>>, views: readonly View[]) {
  const groups = new Map<string, MapGroup>();
  const all = Object.entries(nodes).map(([ID, node]) => {
    const own = around(node.tags, views);
    for (const group of own) groups.set(group.ID, group);
    return [ID, { ...node, groupID: own.at(-1)?.ID ?? '' }] as const;
  });
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
  return { nodes: Object.fromEntries(all), groups: Object.fromEntries(sorted) };
}
