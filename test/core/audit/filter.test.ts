import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AuditEvent } from '../../../core/audit/event.ts';
import { FILTER_ATTRIBUTES, FilterFaulty, matchesFilter, parseFilter, printFilter } from '../../../core/audit/filter.ts';
import { someEvent, someFilter } from '../../support/filters.ts';

const event: AuditEvent = {
  id: 'evt_1',
  seq: 7,
  time: '2026-06-01T12:00:00.000Z',
  recordedAt: '2026-06-01T12:00:00.100Z',
  actor: { type: 'user', id: 'usr_ines', name: 'Ines Acker', email: 'Ines@acme.test', via: 'session' },
  action: 'template.update',
  resource: { type: 'template', id: 'tpl_pay', name: 'Payments' },
  outcome: 'denied',
  status: 403,
  reason: null,
  origin: null,
  requestId: 'req_1',
  sessionId: null,
  workspaceId: null,
  grantId: null,
  diff: [
    { path: 'name', old: 'Pay', new: 'Payments', secret: false },
    { path: 'environment.KEY', old: null, new: null, secret: true },
  ],
  details: {},
};
const holds = (text: string) => matchesFilter(parseFilter(text), event);
const faultOf = (text: string) => {
  try {
    parseFilter(text);
  } catch (error) {
    if (error instanceof FilterFaulty) return [error.position, error.message];
  }
  return expect.fail(`${text} was read`);
};

describe('what a filter means', () => {
  test.each([
    'actor.email eq "ines@ACME.test"',
    'ACTOR.Email EQ "Ines@acme.test"',
    'action sw "template." and not (outcome eq "success")',
    'resource.name co "ymen" and resource.name ew "nts"',
    'status ge 400 and status lt 404 and status gt 402.5 and status le 403',
    'outcome eq "success" or outcome eq "denied" and requestId pr',
    '(outcome eq "success" or outcome eq "denied") and requestId pr',
    'sessionId ne "ses_1" and sessionId eq null and requestId ne null',
    'not (reason pr) and not (origin.ip pr)',
    'diff[path eq "name" and new co "ment"]',
    'diff.secret eq true and diff.path eq "name"',
    'reason ne "x"',
  ])('%s', (text) => expect(holds(text)).toBe(true));

  test.each([
    'actor.email eq "acme.test"',
    'outcome eq "success" or outcome eq "failure" and requestId pr',
    'reason eq "x" or reason lt "x" or reason co ""',
    'not (requestId pr)',
    'diff[path eq "name" and secret eq true]',
    'diff.path ne "name"',
    'action eq "template_update"',
  ])('not %s', (text) => expect(holds(text)).toBe(false));
});

describe('a filter that can’t be read says where and why', () => {
  test.each([
    ['', 0, 'an attribute is expected'],
    ['actor.email', 11, 'an operator is expected'],
    ['actor.email eq', 14, 'a value is expected'],
    ['actor.email eq ines', 15, 'a value is expected'],
    ['actor.email is "x"', 12, 'an operator is expected'],
    ['actor.phone eq "x"', 0, 'no attribute of this name'],
    ['outcome eq "x" and time gt "2026"', 19, 'since and until'],
    ['recordedAt gt "2026"', 0, 'since and until'],
    ['outcome eq "x', 11, 'no closing quote'],
    ['outcome eq "\\x"', 11, 'wrong escape'],
    ['outcome eq "x" action pr', 15, '“and” or “or”'],
    ['(outcome eq "x"', 15, ') is expected'],
    ['outcome eq "x")', 14, '“and” or “or”'],
    ['not outcome pr', 4, '( is expected'],
    ['status eq "403"', 10, 'a number'],
    ['status co 4', 10, 'for text'],
    ['outcome gt null', 11, 'eq and ne only'],
    ['diff.secret lt true', 15, 'eq and ne only'],
    ['diff[actor.id pr]', 5, 'no attribute of this name'],
    ['diff[path pr', 12, '] is expected'],
    ['outcome eq 1e999', 11, 'too large'],
    ['outcome; pr', 7, 'not expected'],
  ])('%j at %i', (text, position, words) => expect(faultOf(text)).toEqual([position, expect.stringContaining(words)]));

  test('length, depth and number of comparisons have bounds', () => {
    expect(faultOf(`reason eq "${'x'.repeat(2_000)}"`)).toEqual([2_000, 'A filter has at most 2000 characters']);
    expect(faultOf(`${'('.repeat(300)}reason pr${')'.repeat(300)}`)[1]).toContain('no deeper than 20');
    expect(faultOf(Array.from({ length: 101 }, () => 'reason pr').join(' or '))[1]).toContain('at most 100');
    expect(() => parseFilter(`${'('.repeat(20)}reason pr${')'.repeat(20)}`)).not.toThrow();
  });
});

describe('for all filters', () => {
  test('what is printed is read as the same', () => {
    fc.assert(
      fc.property(someFilter, (filter) => {
        const text = printFilter(filter);
        if (text.length <= 2_000) expect(parseFilter(text)).toEqual(filter);
      }),
      { numRuns: 2_000 },
    );
  });

  test('no input does anything but mean something or be faulty within its length', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...Object.keys(FILTER_ATTRIBUTES),
        'eq',
        'ne',
        'co',
        'pr',
        'and',
        'or',
        'not',
        '(',
        ')',
        '[',
        ']',
        'diff',
        '"x"',
        '1',
        'null',
        '\\',
        '"',
      ),
      fc.string({ maxLength: 4, unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.constantFrom(' ', ''), someEvent, (pieces, between, some) => {
        const text = pieces.join(between);
        try {
          expect(typeof matchesFilter(parseFilter(text), some)).toBe('boolean');
        } catch (error) {
          if (!(error instanceof FilterFaulty)) throw error;
          expect(error.position).toBeGreaterThanOrEqual(0);
          expect(error.position).toBeLessThanOrEqual(text.length);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  test('a filter and its opposite never agree', () => {
    fc.assert(
      fc.property(someFilter, someEvent, (filter, some) => {
        expect(matchesFilter({ kind: 'not', part: filter }, some)).toBe(!matchesFilter(filter, some));
      }),
    );
  });
});
