import jsonata from 'jsonata';
import { type Chance, functionsFor } from './functions.ts';
import type { Json } from './json.ts';
import { StateError } from './state-error.ts';

/** What expressions see: `$states`, the variables, time and chance. */
export interface Scope {
  states: { input: Json; context: Json; result?: Json; errorOutput?: Json };
  variables: Readonly<Record<string, Json>>;
  chance: Chance;
}

/** A value of a state machine's file with its `{% … %}` strings compiled. Fails with `States.QueryEvaluationError`. */
export type Template = (scope: Scope) => Promise<Json>;

/** Milliseconds that one expression may take, so that an endless one does not stop everything else. */
const TIMEOUT = 2000;

const EXPRESSION = /^\{%([\s\S]*)%\}$/;

/** @throws Error with the reason when an expression does not parse or asks for what Step Functions has not */
export function compile(value: Json, timeout = TIMEOUT): Template {
  if (typeof value === 'string') return compileText(value, timeout);
  if (Array.isArray(value)) {
    const items = value.map(item => compile(item, timeout));
    return scope => Promise.all(items.map(item => item(scope)));
  }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).map(([key, inner]) => [key, compile(inner, timeout)] as const);
    return async scope =>
      Object.fromEntries(
        await Promise.all(entries.map(async ([key, inner]) => [key, await inner(scope)] as const)),
      );
  }
  return async () => value;
}

export const isExpression = (text: string): boolean => EXPRESSION.test(text);

function compileText(text: string, timeout: number): Template {
  const source = EXPRESSION.exec(text)?.[1];
  if (source === undefined) {
    if (text.startsWith('{%')) throw new Error(`\`${text}\` begins with {% and must end with %}`);
    return async () => text;
  }
  if (/\$eval\b/.test(source)) throw new Error(`\`${text}\` uses $eval, which Step Functions does not have`);
  const expression = parse(source, timeout);
  return scope => evaluate(expression, text, scope);
}

function parse(source: string, timeout: number): jsonata.Expression {
  try {
    return jsonata(source, { timeout });
  } catch (error) {
    throw new Error(`\`${source.trim()}\` is not JSONata: ${messageOf(error)}`);
  }
}

async function evaluate(expression: jsonata.Expression, text: string, scope: Scope): Promise<Json> {
  const bindings = { ...functionsFor(scope.chance), ...scope.variables, states: scope.states };
  const result: unknown = await expression.evaluate(undefined, bindings).catch((error: unknown) => {
    throw new StateError('States.QueryEvaluationError', `\`${text}\` failed: ${messageOf(error)}`);
  });
  try {
    return plain(result);
  } catch (error) {
    throw new StateError(
      'States.QueryEvaluationError',
      `\`${text}\` gave what JSON cannot hold: ${messageOf(error)}`,
    );
  }
}

/** Without what JSONata adds to arrays. Nothing at all, and functions at any depth, are refused. */
function plain(result: unknown): Json {
  if (result === undefined) throw new Error('nothing');
  const text = JSON.stringify(result, (_, value: unknown) => {
    const marked =
      value !== null &&
      typeof value === 'object' &&
      ('_jsonata_function' in value || '_jsonata_lambda' in value);
    if (marked || typeof value === 'function') throw new Error('a function');
    return value;
  });
  return JSON.parse(text);
}

/** JSONata throws plain objects with a code and a message. */
const messageOf = (error: unknown): string => {
  if (error === null || typeof error !== 'object' || !('message' in error)) return String(error);
  return 'code' in error ? `${String(error.code)} ${String(error.message)}` : String(error.message);
};
