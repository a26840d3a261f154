import * as fc from 'fast-check';

/** Text that has broken parsers before: paths, templates, prototypes, headers, names that look alike. */
const words = fc.constantFrom(
  '',
  ' ',
  '/',
  '//',
  '.',
  '..',
  '../..',
  '%2e%2e%2f',
  '%00',
  '\0',
  '\r\nX-Injected: 1',
  '\u202e',
  '\ufeff',
  '\ud800',
  '\u0130',
  'ａｐｐ=ｗｅｂ',
  'аpp=web',
  'app=web\u0301',
  'app=wéb',
  '=',
  'a=',
  '=b',
  '*',
  '!',
  '!!10.0.0.0/8',
  '0.0.0.0/0',
  '10.0.0.0/33',
  '::ffff:10.0.0.1/96',
  '010.0.0.1',
  '1e3',
  '-0',
  'NaN',
  'null',
  'undefined',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '{{ .Values.x }}',
  '{{range $i, $e := until 100000}}{{$i}}{{end}}',
  '{{ define "a" }}{{ template "a" }}{{ end }}',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what others would fill in
  '${7*7}',
  '#{7*7}',
  '<script>alert(1)</script>',
  "' or 1=1; drop table items; --",
  'unique#namespace#/a',
  'tcp/0:65535',
  'tcp/99999',
  'icmp/256/0',
  '(a+)+$',
  'a'.repeat(257),
  'a=b'.repeat(400),
  `${'a'.repeat(63)}.`.repeat(5),
  '/a'.repeat(500),
  'é'.repeat(1100),
);

export const text = fc.oneof(
  { weight: 3, arbitrary: words },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }) },
);

const scalar = fc.oneof(
  text,
  fc.constantFrom(null, true, false, 0, -0, -1, 1.5, 1e308, 2 ** 53, Number.MIN_SAFE_INTEGER),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

const nested = (depth: number, wrap: (inner: unknown) => unknown): unknown => {
  let value: unknown = 'x';
  for (let at = 0; at < depth; at += 1) value = wrap(value);
  return value;
};

const bombs = fc.constantFrom<unknown>(
  nested(63, inner => [inner]),
  nested(70, inner => ({ a: inner })),
  Array.from({ length: 3000 }, (_, at) => `a=${at}`),
  Array.from({ length: 300 }, (_, at) => [`a=${at}`]),
  Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`k${at}`, at])),
  Object.fromEntries([['__proto__', { admin: true }]]),
  { constructor: { prototype: { admin: true } } },
);

/** Any JSON, mostly of the wrong type. */
export const anything: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 1, arbitrary: bombs },
  { weight: 2, arbitrary: fc.array(scalar, { maxLength: 4 }) },
  { weight: 2, arbitrary: fc.dictionary(text, scalar, { maxKeys: 4, noNullPrototype: false }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<unknown> },
);

const long = (times: number, part: string): string => part.repeat(times);

/** Filters that take long where they are taken apart or run without bounds. */
export const filters = fc.oneof(
  text,
  fc.constantFrom(
    'name == "web"',
    'name == web or name == "db" and protected == false',
    'associatedTags contains "app=web"',
    'associatedTags not contains ["app=web", "a=b"]',
    'createTime > date("2020-01-01")',
    'updateTime < now("-1h")',
    'name matches "^(a+)+$"',
    'name matches ["(a|a)*b", ".*.*.*.*x"]',
    'name matches "("',
    'name matches "\\\\1"',
    `name matches "${long(50, '(a?)')}${long(50, 'a')}"`,
    'name matches "(x{1000}){1000}"',
    'nothing exists',
    '__proto__ exists',
    'constructor == "x"',
    'name in [',
    `${long(3000, '(')}name == x${long(3000, ')')}`,
    `${long(500, '(')}name == x${long(500, ')')}`,
    `name == x${long(2000, ' or name == x')}`,
    `name in [${long(2000, '"a",')}"b"]`,
    'namespace == "/" and name == \'"\'',
    'ID == "0190f3a1b2c3d4e5f6071829"',
    'normalizedTags contains $name=web',
    'name == date("99999-99-99")',
    'name == now("-99999999999999999h")',
  ),
);
