import * as fc from 'fast-check';
import { ACTOR_TYPES, AUDIT_ACTIONS, OUTCOMES, RESOURCE_TYPES, type AuditAction, type AuditEvent } from '../../core/audit/event.ts';
import { COMPARISONS, FILTER_ATTRIBUTES, type Filter, type FilterAttribute, type FilterValue } from '../../core/audit/filter.ts';

/** Few words, so that filters and events often meet; some are parts of others, some differ by case, some are awkward. */
const WORDS = [
  'Ines',
  'ines@acme.test',
  'INES',
  'nes',
  'payments',
  'Payments Prod',
  'pay',
  'a"b\\c',
  'Straße',
  '%_*',
  '203.0.113.7',
  'DE',
  '',
  'É',
  'usr_1',
];
const word = fc.constantFrom(...WORDS);
const maybe = fc.option(word, { nil: null });
const action = fc.constantFrom(...(Object.keys(AUDIT_ACTIONS) as AuditAction[]).slice(0, 12));

/** An event of the ledger, of few words. */
export const someEvent: fc.Arbitrary<AuditEvent> = fc.record({
  id: fc.uuid().map((id) => `evt_${id}`),
  seq: fc.integer({ min: 1, max: 1_000 }),
  time: fc.integer({ min: 0, max: 100_000 }).map((offset) => new Date(1_790_000_000_000 + offset).toISOString()),
  recordedAt: fc.constant('2026-09-21T14:00:00.000Z'),
  actor: fc.record({ type: fc.constantFrom(...ACTOR_TYPES), id: maybe, name: word, email: maybe, via: maybe }),
  action,
  resource: fc.record({ type: fc.constantFrom(...RESOURCE_TYPES), id: maybe, name: word }),
  outcome: fc.constantFrom(...OUTCOMES),
  status: fc.option(fc.constantFrom(200, 201, 403), { nil: null }),
  reason: maybe,
  origin: fc.option(
    fc.record({ ip: maybe, userAgent: maybe, browser: maybe, os: maybe, device: maybe, country: maybe, city: maybe, asn: maybe }),
    { nil: null },
  ),
  requestId: maybe,
  sessionId: maybe,
  workspaceId: maybe,
  grantId: maybe,
  diff: fc.array(fc.record({ path: word, old: fc.oneof(maybe, fc.integer()), new: fc.oneof(maybe, fc.boolean()), secret: fc.boolean() }), {
    maxLength: 2,
  }),
  details: fc.constant({}),
});

const names = Object.keys(FILTER_ATTRIBUTES) as FilterAttribute[];
const inDiff = names.filter((name) => name.startsWith('diff.'));

/** A value that goes with the attribute and the operator; the events' own words are frequent. */
function valueFor(attribute: FilterAttribute, operator: string): fc.Arbitrary<FilterValue> {
  const type = FILTER_ATTRIBUTES[attribute].type;
  const nulls: FilterValue[] = operator === 'eq' || operator === 'ne' ? [null] : [];
  if (type === 'number') return fc.constantFrom<FilterValue>(200, 201, 403, -1.5, 1e21, ...nulls);
  if (type === 'boolean') return fc.constantFrom<FilterValue>(true, false, ...nulls);
  const own: FilterValue[] =
    attribute === 'action' ? ['user.sign_in', 'user.', 'TENANT.CREATE'] : ['success', 'denied', 'user', 'template'];
  return fc.oneof(word, fc.constantFrom<FilterValue>(...own, ...nulls), fc.string({ maxLength: 5, unit: 'binary' }));
}

const comparison = (attributes: FilterAttribute[]): fc.Arbitrary<Filter> =>
  fc
    .tuple(fc.constantFrom(...attributes), fc.constantFrom(...COMPARISONS))
    .map(([attribute, operator]) => {
      const type = FILTER_ATTRIBUTES[attribute].type;
      if (type === 'boolean') return [attribute, operator === 'ne' ? 'ne' : 'eq'] as const;
      const forText = operator === 'co' || operator === 'sw' || operator === 'ew';
      return [attribute, type === 'number' && forText ? 'ge' : operator] as const;
    })
    .chain(([attribute, operator]) => valueFor(attribute, operator).map((value) => ({ kind: 'compare', attribute, operator, value })));

const leaf = (attributes: FilterAttribute[]): fc.Arbitrary<Filter> =>
  fc.oneof(
    { weight: 5, arbitrary: comparison(attributes) },
    { weight: 1, arbitrary: fc.constantFrom(...attributes).map((attribute): Filter => ({ kind: 'present', attribute })) },
  );

const tree = (leaves: fc.Arbitrary<Filter>): fc.Arbitrary<Filter> =>
  fc.letrec<{ filter: Filter }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      leaves,
      fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), parts: fc.array(tie('filter'), { minLength: 2, maxLength: 3 }) }),
      fc.record({ kind: fc.constant('not' as const), part: tie('filter') }),
    ),
  })).filter;

const some = tree(leaf(inDiff)).map((part): Filter => ({ kind: 'some', list: 'diff', part }));

/** A filter that can be read. */
export const someFilter: fc.Arbitrary<Filter> = tree(fc.oneof({ weight: 6, arbitrary: leaf(names) }, { weight: 1, arbitrary: some }));
