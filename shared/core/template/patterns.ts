import type { RE2JS } from 're2js';
import { compiled } from '../filter/pattern.ts';
import { type Budget, STEP, spend } from './budget.ts';

/** A place in a text that a pattern matches, with its groups: by number, and by name where they have one. */
interface Found {
  from: number;
  to: number;
  groups: Readonly<Record<string, string>>;
}

/** A program that may be run over the text within the budget: RE2 takes its length times that of the text at most. */
function programFor(pattern: string, text: string, budget: Budget): RE2JS | string {
  const program = compiled(pattern);
  if (typeof program !== 'string')
    spend(budget, Math.ceil((program.programSize() * (text.length + 10)) / STEP));
  return program;
}

const groupsOf = (program: RE2JS, group: (at: number) => string | null): Found['groups'] => {
  const numbered = Array.from({ length: program.groupCount() + 1 }, (_, at) => [String(at), group(at) ?? '']);
  const named = Object.entries(program.namedGroups()).map(([name, at]) => [name, group(Number(at)) ?? '']);
  return Object.fromEntries([...numbered, ...named]) as Found['groups'];
};

/** From left to right. As in Go, there is no empty match right behind another one. */
function matchesOf(program: RE2JS, text: string): Found[] {
  const matcher = program.matcher(text);
  const found: Found[] = [];
  while (matcher.find()) {
    const [from, to] = [matcher.start(), matcher.end()];
    if (from === to && found.at(-1)?.to === from) continue;
    found.push({ from, to, groups: groupsOf(program, at => matcher.group(at)) });
  }
  return found;
}

/** Go's `$1`, `${1}`, `$name` and `$$`. A group that is not there is empty. */
const expanded = (replacement: string, groups: Found['groups']): string =>
  replacement.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (whole, bare?: string, braced?: string) => {
    const name = bare ?? braced;
    if (name === undefined) return whole === '$$' ? '$' : whole;
    return Object.hasOwn(groups, name) ? (groups[name] ?? '') : '';
  });

/** Whether the pattern, in RE2 syntax, matches anywhere. A text in an object: why there is no such pattern. */
export function isMatch(pattern: string, text: string, budget: Budget): boolean | { why: string } {
  const program = programFor(pattern, text, budget);
  return typeof program === 'string' ? { why: program } : program.test(text);
}

/** The first match; empty when there is none. */
export function firstMatch(pattern: string, text: string, budget: Budget): string | { why: string } {
  const program = programFor(pattern, text, budget);
  if (typeof program === 'string') return { why: program };
  const [first] = matchesOf(program, text);
  return first ? text.slice(first.from, first.to) : '';
}

/** Every match replaced; `literal`: by the text as it stands. */
export function replaceAll(
  [pattern, text, by]: readonly [string, string, string],
  literal: boolean,
  budget: Budget,
): string | { why: string } {
  const program = programFor(pattern, text, budget);
  if (typeof program === 'string') return { why: program };
  let [made, from] = ['', 0];
  for (const found of matchesOf(program, text)) {
    const put = literal ? by : expanded(by, found.groups);
    spend(budget, put.length);
    made += text.slice(from, found.from) + put;
    from = found.to;
  }
  return made + text.slice(from);
}
