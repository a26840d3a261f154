import { describe, expect, it, test } from 'vitest';
import { compileFilters } from '../../../shared/core/filter/compile.ts';
import { parseFilter } from '../../../shared/core/filter/parse.ts';
import { MOST_PATTERNS } from '../../../shared/core/filter/pattern.ts';
import { identities, resourceOf } from '../../../shared/schema/resources.ts';
import { cpuTime } from '../../make/cpu-time.ts';
import { NOW, passes, refusal } from './ask.ts';

const enforcer = {
  ID: '0'.repeat(24),
  name: 'web-1',
  namespace: '/acme/a',
  FQDN: 'web-1.example.com',
  description: '',
  unreachable: false,
  currentVersion: '1.10.0',
  machineID: '12345',
  createTime: '2026-06-15T11:30:00.000Z',
  updateTime: '2026-06-15T11:30:00.000Z',
  associatedTags: ['color=blue', 'size=small'],
  normalizedTags: [
    '$name=web-1',
    '$identity=enforcer',
    'color=blue',
    '@org:tenant=acme',
    '@org:tenant=other',
  ],
  annotations: { owner: ['net', 'sec'], 'a.b': ['c'] },
  subnets: [],
  bundle: { revision: 7, state: 'applied', reason: '', digest: '' },
};
const network = { name: 'n', entries: ['10.0.0.0/8', '192.0.2.0/24'], propagate: true };
const ruleset = {
  name: 'r',
  subject: [['app=web'], ['app=db', 'env=prod']],
  incomingRules: [
    { action: 'Allow', protocolPorts: ['TCP/80'] },
    { action: 'Reject', protocolPorts: [] },
  ],
};

describe('an object passes', () => {
  test.each([
    ['name == web-1', true],
    ['name == WEB-1', false],
    ['NAME == web-1 and fqdn exists', true],
    ['name != web-1', false],
    ['name != other', true],
    ['machineID == 12345', true],
    ['machineID == "12345"', true],
    ['machineID == 12345.0', false],
    ['unreachable == false', true],
    ['unreachable == "false"', false],
    ['unreachable == true', false],
    ['unreachable != true', true],
    ['collectInfo == false', true],
    ['collectInfo != false', false],
    ['collectInfo == true', false],
    ['collectInfo in [false]', false],
    ['name == false', false],
    ['name in [a, web-1]', true],
    ['name not in [a, web-1]', false],
    ['name contains web', false],
    ['name in []', false],
    ['name not in []', true],
    ['associatedTags contains color=blue', true],
    ['associatedTags contains [color=red, size=small]', true],
    ['associatedTags contains color', false],
    ['associatedTags not contains [color=red, size=small]', false],
    ['associatedTags not contains color=red', true],
    ['associatedTags == color=blue', true],
    ['associatedTags == [color=blue, size=small]', true],
    ['associatedTags == [size=small, color=blue]', false],
    ['associatedTags == [color=blue]', false],
    ['associatedTags exists', true],
    ['subnets exists', true],
    ['description exists', true],
    ['startTime exists', false],
    ['startTime not exists', true],
    ['startTime < now()', false],
    ['startTime != date(2018-04-26)', true],
    ['name matches "^web-\\d+$"', true],
    ['name matches [nothing, "b-"]', true],
    ['name matches "WEB"', false],
    ['name matches "(?i)WEB"', true],
    ['associatedTags matches "^color="', true],
    ['startTime matches "."', false],
    ['name > web-0', true],
    ['name >= web-1 and name <= web-1', true],
    ['name < web-1', false],
    ['name > 5', true],
    ['bundle.revision > 6.5', true],
    ['bundle.revision == 7', true],
    ['bundle.revision == "7"', false],
    ['bundle.revision < 7', false],
    ['Bundle.State == applied', true],
    ['annotations.owner contains sec', true],
    ['annotations.a.b contains c', true],
    ['annotations.nobody exists', false],
    ['annotations.constructor exists', false],
    ['createTime < now()', true],
    ['createTime > now("-1h")', true],
    ['createTime > now("-20m")', false],
    ['createTime > "-1h"', true],
    ['createTime == date("2026-06-15T13:30:00+02:00")', true],
    ['createTime in [date("2026-06-15 11:30"), now()]', true],
    ['createTime >= 2026-06-15', true],
    ['createTime < "2026-06-15 11:30"', false],
    ['name < now()', false],
    ['$name == web-1', true],
    ['$name matches "^web"', true],
    ['$name exists and $image not exists', true],
    ['$identity in [enforcer, processingunit]', true],
    ['@org:tenant == other', true],
    ['@org:tenant != acme', false],
    ['name == a or name == web-1 and unreachable == true', false],
    ['unreachable == true and name == a or name == web-1', true],
  ])('%s: %s', (text, expected) => expect(passes('enforcer', enforcer, text)).toBe(expected));

  test.each([
    ['entries contains 10.0.0.0/8', true],
    ['entries matches "^192\\.0\\.2\\."', true],
    ['propagate == true', true],
    ['propagate >= true', true],
    ['propagate == TRUE and propagate in [true, false]', true],
  ])('%s: %s', (text, expected) => expect(passes('externalnetwork', network, text)).toBe(expected));

  test.each([
    ['incomingRules.action == Reject', true],
    ['incomingRules.protocolPorts contains TCP/80', true],
    ['incomingRules.protocolPorts contains TCP/81', false],
    ['subject contains [[app=web]]', true],
    ['subject contains [[env=prod, app=db]]', false],
    ['subject contains app=web', false],
  ])('%s: %s', (text, expected) => expect(passes('networkrulesetpolicy', ruleset, text)).toBe(expected));

  it('when one of several filters lets it', () => {
    expect(passes('enforcer', enforcer, 'name == a', 'unreachable == false')).toBe(true);
    expect(passes('enforcer', enforcer, 'name == a', 'name == b')).toBe(false);
  });
});

describe('a filter is refused', () => {
  it('for an attribute that the resource does not have, with those that it has', () => {
    expect(refusal('namespace', 'name == a and color == red')).toBe(
      `filter q, character 15: namespace has no attribute \`color\`; it has ${Object.keys(
        resourceOf('namespace').stored.shape,
      )
        .sort()
        .join(', ')}\nname == a and color == red\n              ^`,
    );
    expect(refusal('enforcer', 'bundle.color == red')).toContain(
      'bundle of enforcer has no attribute `bundle.color`; it has digest, policy, reason, revision, state',
    );
    expect(refusal('enforcer', 'name.first == red')).toContain('it has no parts');
  });

  test.each(['constructor', '__proto__', 'toString', 'bundle.constructor', '_id', ''])(
    'for `%s`, which every object has and no resource',
    key => expect(refusal('enforcer', `"${key}" exists`)).toContain('has no attribute'),
  );

  it('for what is never returned, so that it cannot be guessed', () => {
    expect(refusal('appcredential', 'credentials.certificateKey matches "^M"')).toContain('no attribute');
    expect(refusal('appcredential', 'x exists')).not.toContain('credentials');
  });

  test.each([
    ['createTime > yesterday', 'createTime is a time, `yesterday` is not'],
    ['createTime == 5', 'is not; write date("2018-04-26 23:50") or now("-1h")'],
    ['createTime in [now(), x]', 'createTime is a time'],
    ['associatedTags > [a]', 'a list has no order'],
    ['name matches "("', 'is no pattern in RE2 syntax'],
    ['name matches "(a)\\\\1"', 'is no pattern in RE2 syntax'],
    ['name matches "a(?=b)"', 'is no pattern in RE2 syntax'],
    ['name matches "x{1001}"', 'add up to more than 1000'],
    [`name matches "${'x{0,90}'.repeat(12)}"`, 'add up to more than 1000'],
    ['name matches "(?:(?:.?){31}){31}"', 'make a program of'],
    ['name matches "(?i)(\\\\pL?){500}(\\\\pL){470}[89]$"', 'make a program of'],
    [`name matches "${'x'.repeat(257)}"`, '257 characters long'],
    [`name matches [${'x,'.repeat(MOST_PATTERNS + 1)}]`, 'more than 16 patterns'],
  ])('%s', (text, reason) => expect(refusal('enforcer', text)).toContain(reason));

  it.each([
    ['(?i)\\pL*[aeiou]\\pL{480}[89]', 'aé'],
    ['.*[aeiou].{480}[89]', 'ab'],
    ['[ab]*a[ab]{30}[cd]', 'ab'],
    ['(?i)(\\pL?){130}(\\pL){130}[89]$', 'aé'],
  ])('before `%s`, which remembers what it saw, takes a second', (pattern, letters) => {
    const text = `9c${Array.from({ length: 1022 }, (_, at) => letters[((at * at * 7 + at) % 11) % 2]).join('')}`;
    const worked = cpuTime();
    const slow = compileFilters(
      [parseFilter(`description matches "${pattern}"`)],
      resourceOf('enforcer'),
      NOW,
    );
    expect(() => {
      for (let count = 0; count < 1000; count++) slow({ description: text });
    }).toThrow(/takes too long/);
    expect(worked()).toBeLessThan(1500);
  });

  it('when its patterns take too many steps over all objects, whatever one of them takes', () => {
    const costly = compileFilters(
      [parseFilter('description matches "(?i)(.{0,200}){0,2}q$"')],
      resourceOf('enforcer'),
      NOW,
    );
    const object = { description: 'a'.repeat(1024) };
    const all = () => {
      for (let count = 0; count < 1000; count++) costly(object);
    };
    const worked = cpuTime();
    expect(all).toThrow(/takes too long; ask for pages with limit/);
    expect(worked()).toBeLessThan(2000);
  });
});

test('every attribute of every resource can be asked for, but secrets', () => {
  for (const identity of identities) {
    const { stored, secrets = [] } = resourceOf(identity);
    for (const name of Object.keys(stored.shape).filter(each => !secrets.includes(each))) {
      expect(passes(identity, {}, `${name} exists`)).toBe(false);
    }
  }
});
