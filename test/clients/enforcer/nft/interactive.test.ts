import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { interactiveNft } from '../../../../clients/enforcer/nft/interactive.ts';

/*
 * Beside the real one in the net lane: programs that behave as nft does, and as it seldom does.
 */

const ANSWER = 'meta expression, datatype mark (packet mark) (basetype integer), 32 bits';

/** Each run of it appends `-i` or `-f` to `runs`, and each script that it does to `done`. */
const program = (onLine: string, first: string): string => `
const { appendFileSync, readFileSync } = require('node:fs');
const note = (name, text) => appendFileSync(process.env.FOLDER + '/' + name, text + '\\n');
const isKept = process.argv.includes('-i');
note('runs', isKept ? '-i' : '-f');
let isSilent = false;
${first}
const does = text => { if (text.trim() !== '') note('done', text.trim()); };
if (!isKept) does(readFileSync(0, 'utf8').replaceAll('\\n', ';'));
else require('node:readline').createInterface({ input: process.stdin }).on('line', line => {
  if (isSilent) return;
  if (line === 'describe meta mark') { console.log('${ANSWER}'); return; }
  ${onLine}
});
`;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'microseg-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const opened = (onLine: string, first = '') => {
  const file = join(folder, 'nft.cjs');
  writeFileSync(file, program(onLine, first));
  return interactiveNft(['env', `FOLDER=${folder}`, process.execPath, file], 2000);
};
const noted = (name: string): string[] => readFileSync(join(folder, name), 'utf8').trim().split('\n');
const change = (at: number): string => `add element inet t s {\n ${at} }\n`;

test('many scripts are told to one process, in order, each in one line', async () => {
  const nft = opened('does(line);');
  const ran = await Promise.all([1, 2, 3].map(at => nft(['-f', '-'], change(at))));
  expect(ran.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(noted('runs')).toEqual(['-i']);
  expect(noted('done')).toEqual([1, 2, 3].map(at => `add element inet t s { ; ${at} } ;`));
});

test('a long script, and a listing of everything, have a process of their own', async () => {
  const nft = opened('does(line);');
  await nft(['-f', '-'], change(1).repeat(2000));
  await nft(['-nn', 'list', 'table', 'inet', 't']);
  expect(noted('runs')).toEqual(['-f', '-f']);
});

test('a complaint is the answer to the script that it is about, and to no other', async () => {
  const nft = opened("if (line.includes(' 2 ')) console.error('Error: no'); else does(line);");
  const ran = await Promise.all([1, 2, 3].map(at => nft(['-f', '-'], change(at))));
  expect(ran.map(({ code, stderr }) => [code, stderr])).toEqual([
    [0, ''],
    [1, 'Error: no\n'],
    [0, ''],
  ]);
});

test('what is listed comes line by line, without what some repeat of the question', async () => {
  const nft = opened("console.log('nft> ' + line); console.log('table inet t {'); console.log('}');");
  const lines: string[] = [];
  const ran = await nft(['-nn', 'list', 'map', 'inet', 't', 'm'], '', text => lines.push(text));
  expect(ran).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(lines).toEqual(['table inet t {', '}']);
});

test('a script that it died over is done by another process, and the next by a new one that is kept', async () => {
  const nft = opened("if (line.includes(' 2 ')) process.exit(1); does(line);");
  for (const at of [1, 2, 3]) expect((await nft(['-f', '-'], change(at))).code).toBe(0);
  expect(noted('runs')).toEqual(['-i', '-f', '-i']);
  expect(noted('done')).toHaveLength(3);
});

test('an nft without the mode is started anew for each script', async () => {
  const nft = opened('does(line);', 'if (isKept) process.exit(1);');
  for (const at of [1, 2]) expect((await nft(['-f', '-'], change(at))).code).toBe(0);
  expect(noted('runs')).toEqual(['-i', '-f', '-f']);
  expect(noted('done')).toHaveLength(2);
});

test('one that does not answer is ended, and the script is done by another process', async () => {
  const nft = opened("if (line.includes(' 2 ')) isSilent = true; else does(line);");
  for (const at of [1, 2, 3]) expect((await nft(['-f', '-'], change(at))).code).toBe(0);
  expect(noted('runs')).toEqual(['-i', '-f', '-i']);
});

test('a program that is not there is told as before', async () => {
  const nft = interactiveNft(['/nonexistent/nft']);
  expect(await nft(['-f', '-'], change(1))).toMatchObject({ code: 127 });
});

test('after many scripts another process takes over', async () => {
  const nft = opened('does(line);');
  for (let at = 0; at < 510; at++) await nft(['-f', '-'], change(at));
  expect(noted('runs')).toEqual(['-i', '-i']);
  expect(noted('done')).toHaveLength(510);
});
