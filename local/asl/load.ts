import type { z } from 'zod';
import { fail } from '../../shared/schema/failure.ts';
import { type Block, type State, StateMachine } from './schema.ts';

/** A state machine ready to run. State names are unique in all of it, so that one table holds the states of every block. */
export interface Machine {
  name: string;
  startAt: string;
  timeoutSeconds?: number;
  states: ReadonlyMap<string, State>;
}

/**
 * Reads the text of an `.asl.json` file. Each `${Name}` stands for a task, as in the definition substitutions of AWS.
 *
 * @throws `invalid`, naming the state and the field, for everything that this interpreter does not run
 */
export function load(name: string, text: string, tasks: readonly string[]): Machine {
  const parsed = StateMachine.safeParse(parseJson(name, substitute(name, text, tasks)));
  if (!parsed.success) throw refused(name, parsed.error.issues.map(describe));
  const { StartAt, TimeoutSeconds } = parsed.data;
  const findings = [
    ...checkBlock(parsed.data, 'the machine', []),
    ...checkNames(parsed.data),
    ...checkTasks(parsed.data, tasks),
  ];
  if (findings.length > 0) throw refused(name, findings);
  return {
    name,
    startAt: StartAt,
    ...(TimeoutSeconds === undefined ? {} : { timeoutSeconds: TimeoutSeconds }),
    states: new Map(everyState(parsed.data)),
  };
}

const refused = (name: string, findings: readonly string[]) =>
  fail('invalid', `state machine \`${name}\` cannot run: ${findings.join('; ')}`, { findings });

const substitute = (name: string, text: string, tasks: readonly string[]): string =>
  text.replace(/\$\{([^}]*)\}/g, (_, task: string) => {
    if (tasks.includes(task)) return task;
    throw refused(name, [`\`\${${task}}\` is no task; known are ${tasks.join(', ')}`]);
  });

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refused(name, [`it is not JSON: ${error instanceof Error ? error.message : String(error)}`]);
  }
}

/** `States.Fetch.Retry.0` → "state `Fetch`, field `Retry.0`". The innermost state counts. */
function describe(issue: z.core.$ZodIssue): string {
  const at = issue.path.lastIndexOf('States');
  const state =
    at >= 0 && issue.path.length > at + 1 ? `state \`${String(issue.path[at + 1])}\`` : 'the machine';
  const field = issue.path.slice(at >= 0 ? at + 2 : 0).join('.');
  const where = field === '' ? state : `${state}, field \`${field}\``;
  if (issue.code === 'unrecognized_keys')
    return `${where}: ${issue.keys.map(key => `\`${key}\``).join(', ')} is not implemented`;
  if (issue.code === 'invalid_union' && field === 'Type')
    return `${where}: this type of state is not implemented`;
  return `${where}: ${issue.message}`;
}

/** Blocks directly inside a state. */
export const blocksIn = (state: State): Block[] => {
  if (state.Type === 'Parallel') return state.Branches;
  return state.Type === 'Map' ? [state.ItemProcessor] : [];
};

const everyState = (block: Block): [string, State][] =>
  Object.entries(block.States).flatMap(([name, state]) => [
    [name, state] as [string, State],
    ...blocksIn(state).flatMap(everyState),
  ]);

const checkNames = (machine: Block): string[] => {
  const names = everyState(machine).map(([name]) => name);
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  return [...twice].map(name => `state \`${name}\` is there twice; names are unique in the whole machine`);
};

const checkTasks = (machine: Block, tasks: readonly string[]): string[] =>
  everyState(machine).flatMap(([name, state]) =>
    state.Type !== 'Task' || tasks.includes(state.Arguments.FunctionName)
      ? []
      : [
          `state \`${name}\`, field \`Arguments.FunctionName\`: \`${state.Arguments.FunctionName}\` is no task; write \`\${Name}\``,
        ],
  );

/** Targets lie in the same block; each way ends; a block assigns no variable of the blocks around it. */
function checkBlock(block: Block, where: string, outer: readonly string[]): string[] {
  const target = (from: string, name: string | undefined): string[] =>
    name === undefined || name in block.States ? [] : [`${from}: no state \`${name}\` beside it`];
  const own = Object.values(block.States).flatMap(assigned);
  return [
    ...target(where, block.StartAt),
    ...Object.entries(block.States).flatMap(([name, state]) => [
      ...targets(state).flatMap(next => target(`state \`${name}\``, next)),
      ...checkEnd(name, state),
      ...assigned(state)
        .filter(variable => outer.includes(variable))
        .map(
          variable =>
            `state \`${name}\`: variable \`${variable}\` belongs to the states around it; use another name`,
        ),
      ...blocksIn(state).flatMap(inner => checkBlock(inner, `state \`${name}\``, [...outer, ...own])),
    ]),
  ];
}

const checkEnd = (name: string, state: State): string[] => {
  if (!('Next' in state || 'End' in state) && ['Choice', 'Succeed', 'Fail'].includes(state.Type)) return [];
  const { Next, End } = state as { Next?: string; End?: true };
  return (Next === undefined) === (End === undefined) ? [`state \`${name}\` needs either Next or End`] : [];
};

const targets = (state: State): string[] => {
  if (state.Type === 'Choice') {
    return [...state.Choices.map(rule => rule.Next), ...(state.Default === undefined ? [] : [state.Default])];
  }
  const next = 'Next' in state && state.Next !== undefined ? [state.Next] : [];
  return 'Catch' in state ? [...next, ...state.Catch.map(catcher => catcher.Next)] : next;
};

const assigned = (state: State): string[] => {
  const rules = state.Type === 'Choice' ? state.Choices : [];
  const catchers = 'Catch' in state ? state.Catch : [];
  const all = [
    'Assign' in state ? state.Assign : undefined,
    ...rules.map(rule => rule.Assign),
    ...catchers.map(catcher => catcher.Assign),
  ];
  return all.flatMap(assign => Object.keys(assign ?? {}));
};
