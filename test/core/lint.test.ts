import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clauseWarnings, deadClauses } from '../../shared/core/lint.ts';
import { clauseMatches, wireTags } from '../../shared/core/tags.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { Tag } from '../../shared/schema/tag.ts';
import { makeNamespace } from '../make/objects.ts';

const tags = (...texts: string[]) => texts.map(text => Tag.parse(text));
const ruleset = (subject: Tag[][]) => ({ subject, incomingRules: [], outgoingRules: [] });
const isDead = (clause: Tag[], prefixes: string[]) => deadClauses(ruleset([clause]), prefixes).length > 0;

describe('a clause', () => {
  it.each([
    ['app=web', ['app='], false],
    ['app=web', ['app=w'], false],
    ['app=web', ['app=x'], true],
    ['app=web', [], true],
    ['app=*', ['app=web'], false],
    ['app=w*', ['app=web'], false],
    ['app=x*', ['app=web'], true],
    ['application=web', ['app'], false],
    ['k8s:app=web', ['app='], true],
  ])('with %s, where %s is listed: dead %s', (tag, prefixes, dead) => {
    expect(isDead(tags(tag), prefixes)).toBe(dead);
  });

  it('is dead exactly when no listed tags satisfy it', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 2 });
    const tag = fc.tuple(text, text).map(([key, value]) => Tag.parse(`${key}=${value}`));
    const wanted = fc.oneof(
      tag,
      tag.map(one => Tag.parse(`${one}*`)),
    );
    const clause = fc.uniqueArray(wanted, { minLength: 1, maxLength: 2 });
    const prefix = fc.oneof(
      text,
      tag,
      text.map(key => `${key}=`),
    );
    // Every tag of a small world, and the longer ones that a prefix may ask for.
    const letters = ['a', 'b', 'aa', 'ab', 'ba', 'bb'];
    const values = [
      ...letters,
      ...letters.flatMap(one => ['a', 'b'].map(other => one + other)),
      '*',
      'a*',
      'b*',
    ];
    const world = letters.flatMap(key => values.map(value => Tag.parse(`${key}=${value}`)));
    fc.assert(
      fc.property(clause, fc.array(prefix, { maxLength: 3 }), (wants, tagPrefixes) => {
        const literal = wants.map(one => Tag.parse(one));
        const onWire = wireTags([...world, ...literal], { tagPrefixEnforcement: 'Enforce', tagPrefixes });
        expect(isDead(wants, tagPrefixes)).toBe(!clauseMatches(wants, onWire));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a warning', () => {
  it('names each unlisted tag once, the prefix to add, and what happens', () => {
    const path = NamespacePath.parse('/t');
    const chain = [{ ...makeNamespace(path), tagPrefixes: ['env='] }];
    const written = {
      subject: [tags('app=web', 'role=db'), tags('env=prod')],
      incomingRules: [],
      outgoingRules: [
        {
          action: 'Allow' as const,
          object: [tags('role=db'), tags('k8s:tier=a=b')],
          protocolPorts: [],
          name: '',
          logsDisabled: false,
          observationEnabled: false,
        },
      ],
    };
    expect(clauseWarnings(written, chain, path)).toEqual([
      'no tag prefix of /t lists `k8s:tier=a=b`, so that a clause with it stops matching under tagPrefixEnforcement Enforce: add `k8s:tier=` to tagPrefixes',
      'no tag prefix of /t lists `role=db`, so that a clause with it stops matching under tagPrefixEnforcement Enforce: add `role=` to tagPrefixes',
    ]);
    const enforced = chain.map(one => ({ ...one, tagPrefixEnforcement: 'Enforce' as const }));
    expect(clauseWarnings(written, enforced, path)[0]).toContain('matches nothing');
  });
});
