import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { Language, type Node, Parser } from 'web-tree-sitter';
import { windowsScript } from '../../../clients/apoctl/windows.ts';

const GRAMMAR = new URL(import.meta.resolve('tree-sitter-powershell/tree-sitter-powershell.wasm'));

let parser: Parser;
beforeAll(async () => {
  await Parser.init();
  parser = new Parser();
  parser.setLanguage(await Language.load(await readFile(GRAMMAR)));
});

function parsed(script: string): Node {
  const tree = parser.parse(script);
  if (!tree) throw new Error('nothing was parsed');
  return tree.rootNode;
}

const PLAN = {
  version: '1.3.0',
  url: 'https://example.com/prisma-enforcer-1.3.0.msi',
  sha256: 'AB'.repeat(32),
  api: 'https://api.example.com',
  namespace: '/acme/windows',
  tags: ['app=node'],
};
const SCRIPT = windowsScript(PLAN);

/** Texts between single quotes that a variable is given, as PowerShell reads them. */
const given = (script: string, name: string): string[] =>
  parsed(script)
    .descendantsOfType('assignment_expression')
    .filter(node => node?.text.startsWith(`$${name} = `))
    .flatMap(node => node?.descendantsOfType('verbatim_string_characters') ?? [])
    .map(node => (node?.text ?? '').slice(1, -1).replace(/(['‘’‚‛])\1/g, '$1'));

test('the script for Windows is PowerShell without a mistake of syntax', () => {
  const root = parsed(SCRIPT);
  expect(root.hasError).toBe(false);
  expect(root.descendantsOfType('if_statement').length).toBeGreaterThan(5);
  expect(root.descendantsOfType('foreach_statement')).toHaveLength(1);
});

test('a mistake of syntax would be seen: each bracket that is taken away is missed', () => {
  const brackets = [...SCRIPT.matchAll(/^.*[({].*$/gm)].filter(([line]) => !line.trim().startsWith('#'));
  expect(brackets.length).toBeGreaterThan(10);
  for (const { 0: line, index } of brackets) {
    const at = index + line.search(/[({]/);
    expect([line, parsed(SCRIPT.slice(0, at) + SCRIPT.slice(at + 1)).hasError]).toEqual([line, true]);
  }
});

test('every value is one text in it, whatever it holds', () => {
  const value = fc.stringMatching(/^[\w '"‘’‚‛`$();{}@#%&|=/.-]{1,30}$/);
  fc.assert(
    fc.property(value, fc.array(value, { minLength: 1, maxLength: 3 }), (namespace, tags) => {
      const script = windowsScript({ ...PLAN, namespace, tags });
      expect(parsed(script).hasError).toBe(false);
      expect(given(script, 'namespace')).toEqual([namespace]);
      expect(given(script, 'tags')).toEqual(tags);
    }),
  );
});
