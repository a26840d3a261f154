import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { functionNames } from '../../../shared/core/template/functions.ts';
import { renderTemplate } from '../../../shared/core/template/render.ts';
import { Failure } from '../../../shared/schema/failure.ts';
import { cpuTime } from '../../make/cpu-time.ts';

const data = {
  Values: {
    name: 'web',
    empty: '',
    port: 443,
    on: true,
    list: ['b', 'a', 'b'],
    map: { z: 1, a: 'x' },
    deep: { er: { value: 'found' } },
    text: 'two\nlines',
  },
  Aporeto: { Namespace: '/acme/prod', API: 'https://api.test' },
};
const render = (text: string): string => renderTemplate(text, data);
const refusal = (text: string): string => {
  try {
    return `rendered ${render(text).slice(0, 40)}`;
  } catch (error) {
    if (error instanceof Failure) return error.message;
    throw error;
  }
};

// Expected texts are those of Go's text/template with Sprig 3.
describe('a template', () => {
  it.each([
    ['plain { text } }}', 'plain { text } }}'],
    ['{{ .Values.name }}', 'web'],
    ['{{.Values.deep.er.value}}', 'found'],
    ['{{ $.Values.name }} {{ .Aporeto.Namespace }} {{ .Aporeto.API }}', 'web /acme/prod https://api.test'],
    ['{{ .Values.missing }}', '<no value>'],
    ['{{ .Values.list }} {{ .Values.map }}', '[b a b] map[a:x z:1]'],
    ['a {{- /* gone */ -}} b', 'ab'],
    ['a\n  {{- 1 }} b {{ 2 -}}  \n c', 'a1 b 2c'],
    ['{{ -3 }}{{- -3}}', '-3-3'],
    ['{{ "q\\"\\n\\u0041" }}{{ `r\\n` }}', 'q"\nAr\\n'],
    ['{{ if .Values.empty }}a{{ else if eq .Values.port 443 }}b{{ else }}c{{ end }}', 'b'],
    ['{{ if and .Values.on (not .Values.empty) }}y{{ end }}', 'y'],
    ['{{ if or .Values.empty .Values.missing }}y{{ else }}n{{ end }}', 'n'],
    ['{{ and .Values.missing (fail "looked at") }}', '<no value>'],
    [
      '{{ with .Values.deep.er }}{{ .value }}{{ end }}{{ with .Values.empty }}x{{ else }}none{{ end }}',
      'foundnone',
    ],
    ['{{ with $x := .Values.name }}{{ $x }}{{ . }}{{ end }}', 'webweb'],
    ['{{ range .Values.list }}{{ . }},{{ end }}', 'b,a,b,'],
    ['{{ range $i, $v := .Values.list }}{{ $i }}={{ $v }} {{ end }}', '0=b 1=a 2=b '],
    ['{{ range $k, $v := .Values.map }}{{ $k }}:{{ $v }} {{ end }}', 'a:x z:1 '],
    ['{{ range .Values.missing }}x{{ else }}none{{ end }}', 'none'],
    ['{{ $n := 0 }}{{ range .Values.list }}{{ $n = add $n 1 }}{{ end }}{{ $n }}', '3'],
    ['{{ $n := 1 }}{{ if true }}{{ $n := 2 }}{{ end }}{{ $n }}', '1'],
    ['{{ (index .Values.list 1) | upper | quote }}', '"A"'],
    ['{{ (dict "a" (dict "b" 7)).a.b }}', '7'],
    ['{{ range _, $v := .Values.list }}{{ $v }},{{ end }}', 'b,a,b,'],
    ['{{ range $_, $v := .Values.list }}{{ $v }},{{ end }}', 'b,a,b,'],
    ['{{ $kv := splitn "=" 2 "a=b=c" }}{{ $kv._0 }} {{ $kv._1 }}', 'a b=c'],
    [
      '{{ splitn "," 9 "a,b" }} {{ splitn "," -1 "a,b" }} {{ splitn "," 0 "a" }}',
      'map[_0:a _1:b] map[_0:a _1:b] map[]',
    ],
    ['{{ regexMatch "^(/[a-z-]+){0,2}$" "/a/b-c" }} {{ regexMatch "^b" "ab" }}', 'true false'],
    [
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Go's way to name a group
      '{{ regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W" }} {{ regexReplaceAll "a(x*)b" "-ab-" "$1W" }}',
      '-W-xxW- --',
    ],
    ['{{ regexReplaceAll "x*" "axb" "-" }} {{ regexReplaceAll "(?P<n>b)" "abc" "$n$n$$" }}', '-a-b- abb$c'],
    ['{{ regexReplaceAll "\\\\s+" (cat "/a" "b") "/" | trimSuffix "/" }}', '/a/b'],
    [
      '{{ regexReplaceAllLiteral "b" "abc" "$1" }} {{ regexFind "[0-9]+" "a12b3" }}.{{ regexFind "z" "a" }}.',
      'a$1c 12..',
    ],
  ])('%j renders to %j', (text, expected) => {
    expect(render(text)).toBe(expected);
  });

  it.each([
    ['default "x" .Values.empty', 'x'],
    ['.Values.name | default "x"', 'web'],
    ['quote .Values.name .Values.port', '"web" "443"'],
    ['squote .Values.name', "'web'"],
    ['upper "aé" | lower | title', 'Aé'],
    ['trim "  a "', 'a'],
    ['trimAll "$" "$5.00$"', '5.00'],
    ['trimPrefix "a-" "a-b" | trimSuffix "-c"', 'b'],
    ['replace "." "-" "a.b.c"', 'a-b-c'],
    ['join "," .Values.list', 'b,a,b'],
    ['list 1 "a" | toJson', '[1,"a"]'],
    ['dict "a" 1 "b" | toJson', '{"a":1,"b":""}'],
    ['toYaml .Values.map', 'z: 1\na: x'],
    ['toYaml .Values.deep | nindent 2', '\n  er:\n    value: found'],
    ['indent 2 .Values.text', '  two\n  lines'],
    ['ternary "y" "n" .Values.on', 'y'],
    ['required "say it" .Values.name', 'web'],
    ['hasPrefix "we" .Values.name', 'true'],
    ['hasSuffix "we" .Values.name', 'false'],
    ['contains "e" .Values.name', 'true'],
    ['printf "%s-%d-%q-%05d-%-4s|%.1f%%" "a" 1 "b" 42 "x" 1.25', 'a-1-"b"-00042-x   |1.3%'],
    ['printf "%d" "a"', '%!d(a)'],
    ['uniq .Values.list | sortAlpha | join ""', 'ab'],
    ['without .Values.list "b"', '[a]'],
    ['first .Values.list', 'b'],
    ['rest .Values.list | last', 'b'],
    ['append (list 1) 2 | len', '2'],
    ['concat (list 1) (list 2 3)', '[1 2 3]'],
    ['hasKey .Values.map "z"', 'true'],
    ['hasKey .Values.map "constructor"', 'false'],
    ['keys .Values.map', '[a z]'],
    ['pick .Values.map "z" | toJson', '{"z":1}'],
    ['omit .Values.map "z" | toJson', '{"a":"x"}'],
    ['splitList "," "a,b"', '[a b]'],
    ['(split "/" .Aporeto.Namespace)._1', 'acme'],
    ['coalesce .Values.empty .Values.missing "c"', 'c'],
    ['eq .Values.name "a" "web"', 'true'],
    ['lt 1 2', 'true'],
    ['ge "b" "a"', 'true'],
    ['div 7 2 | mul 2 | add1', '7'],
    ['sub 7 2 | max 3 9 | min 4', '4'],
    ['int "12" | add 1', '13'],
    ['until 3', '[0 1 2]'],
    ['untilStep 1 6 2', '[1 3 5]'],
    ['b64enc "hi" | b64dec', 'hi'],
    ['repeat 3 "ab"', 'ababab'],
    ['trunc 3 "abcdef"', 'abc'],
    ['substr 1 3 "abcdef"', 'bc'],
    ['kindOf .Values.list', 'slice'],
    ['.Values.constructor', '<no value>'],
  ])('{{ %s }} is %j', (action, expected) => {
    expect(render(`{{ ${action} }}`)).toBe(expected);
  });

  it.each([
    ['a\n b {{ nosuch 1 }}', 'line 2, column 7: there is no function `nosuch`'],
    ['{{ env "HOME" }}', 'column 4: `env` reads the clock'],
    ['{{ include "x" . }}', 'there is no function `include`'],
    ['{{ define "x" }}{{ end }}', '`define` is not supported'],
    ['{{ if true }}', 'a block is not closed'],
    ['{{ end }}', '`end` without a block'],
    ['{{ .Values.name', 'expected'],
    ['{{ "open }}', 'found `"`'],
    ['{{ }}', 'expected'],
    ['{{ if .Values.on }}{{ . ] }}{{ end }}', 'line 1, column 25: expected'],
    ['{{ .Values.missing.more }}', '`.Values.missing` has no value, so there is no `.more`'],
    ['{{ .Values.name.more }}', '`.Values.name` is string `web`'],
    ['{{ $x }}', 'there is no variable `$x`'],
    ['{{ $x = 1 }}', 'no variable `$x` to change'],
    ['{{ range $x := list 1 }}{{ end }}{{ $x }}', 'no variable `$x`'],
    ['{{ required "say the name" .Values.missing }}', 'column 4: `required`: say the name'],
    ['{{ fail "stop" }}', '`fail`: stop'],
    ['{{ upper 3 }}', '`upper`: wants a text, not int `3`'],
    ['{{ upper }}', '`upper`: takes 1 arguments, not 0'],
    ['{{ div 1 0 }}', 'divides by zero'],
    ['{{ lt 1 "a" }}', 'cannot compare int `1` with string `a`'],
    ['{{ index .Values.list 9 }}', 'index 9 is out of 3'],
    ['{{ range 1.5 }}{{ end }}', 'range wants a list or a dict'],
    ['{{ "a" "b" }}', 'a value, not a function'],
    ['{{ constructor }}', 'there is no function `constructor`'],
  ])('%j is refused with its place', (text, words) => {
    expect(refusal(text)).toContain(words);
  });
});

describe('a template that would never end', () => {
  const double = (times: number): string => '{{ $x = list $x $x }}'.repeat(times);

  it.each([
    ['deep brackets', `{{ ${'('.repeat(100)}1${')'.repeat(100)} }}`],
    ['deep blocks', `${'{{ if true }}'.repeat(100)}${'{{ end }}'.repeat(100)}`],
    ['a long else if', `{{ if false }}${'{{ else if false }}'.repeat(5000)}{{ end }}`],
    ['nested ranges', `${'{{ range until 100000 }}'.repeat(9)}x${'{{ end }}'.repeat(9)}`],
    ['a huge repeat', '{{ repeat 1000000000 "abcdefgh" }}'],
    ['a repeat of repeats', `{{ ${'repeat 1000 ('.repeat(5)}"a"${')'.repeat(5)} }}`],
    ['a doubled list as YAML', `{{ $x := list 1 }}${double(60)}{{ toYaml $x }}`],
    ['a doubled list as text', `{{ $x := list 1 }}${double(60)}{{ $x }}`],
    ['a doubled list compared', `{{ $x := list 1 }}${double(60)}{{ eq $x $x }}`],
    ['a doubled list joined', `{{ $x := list 1 }}${double(60)}{{ join "," $x }}`],
    ['a doubled list refused', `{{ $x := list 1 }}${double(60)}{{ upper $x }}`],
    ['a doubled list ranged', `{{ $x := list 1 }}${double(60)}{{ len (printf "%v" $x) }}`],
    ['a huge range', '{{ range 1000000000 }}{{ end }}'],
    ['a replaced nothing', `{{ $x := "a" }}${'{{ $x = replace "a" "aaaaaaaa" $x }}'.repeat(40)}{{ $x }}`],
    ['a wide number of spaces', `{{ $x := repeat 10000 "\\n" }}{{ indent 1000 $x }}`],
    ['a doubled list as a key', `{{ $x := list 1 }}${double(60)}{{ dict $x 1 }}`],
    ['a doubled list as a number', `{{ $x := list 1 }}${double(60)}{{ until (int $x) }}{{ $x.y }}`],
    ['a wide number', '{{ printf "%999999999d" 1 }}{{ until 999999999 }}'],
  ])('is refused soon: %s', (_, text) => {
    const worked = cpuTime();
    expect(refusal(text)).not.toMatch(/^rendered/);
    expect(worked()).toBeLessThan(2000);
  });

  it('is read in a time that grows with its length only', () => {
    for (const part of [' ', '\n', '{', '{{', '{{ (', '{{ if', '{{ "', '{{- ', ' {{- 1 -}} ', '{{/*']) {
      const worked = cpuTime();
      refusal(part.repeat(100_000 / part.length));
      expect(worked(), part).toBeLessThan(2000);
    }
  });
});

describe('any text', () => {
  it('without {{ renders to itself', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }).filter(text => !text.includes('{{')),
        text => {
          expect(render(text)).toBe(text);
        },
      ),
    );
  });

  it('made of the pieces of templates renders or is refused on purpose', () => {
    const piece = fc.constantFrom(
      '{{',
      '}}',
      '{{-',
      '-}}',
      ' ',
      '\n',
      'if',
      'end',
      'else',
      'range',
      'with',
      '$x',
      ':=',
      '=',
      '.',
      '.Values',
      '.list',
      '(',
      ')',
      '|',
      '"a"',
      '1',
      'nil',
      ...functionNames,
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
        const expression = pieces.join(' ');
        for (const text of [pieces.join(''), `{{ ${expression} }}`])
          expect(typeof refusal(text)).toBe('string');
      }),
      { numRuns: 500 },
    );
  });
});
