import fc from 'fast-check';
import { AUDIT_ACTIONS, ACTOR_TYPES, OUTCOMES, type AuditAction, type AuditEvent } from '../../core/audit/event.ts';

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 });
const id = (prefix: string) => fc.stringMatching(/^[0-7][0-9a-hjkmnp-tv-z]{25}$/).map((rest) => `${prefix}_${rest}`);
const orNull = <T>(each: fc.Arbitrary<T>) => fc.option(each, { nil: null });
const time = fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true }).map((date) => date.toISOString());
const plain = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null));

const origin = fc.record({
  ip: orNull(fc.oneof(fc.ipV4(), fc.ipV6(), text)),
  userAgent: orNull(text),
  browser: orNull(fc.constantFrom('Firefox 140', 'Chrome', 'Microsoft Edge 141')),
  os: orNull(fc.constantFrom('Windows 11', 'macOS Sequoia', 'iOS 19', 'Android 16', 'Linux', 'Chrome OS', 'Plan 9')),
  device: orNull(fc.constantFrom('desktop', 'mobile', 'tablet', 'tv')),
  country: orNull(fc.constantFrom('DE', 'PT', 'T1')),
  city: orNull(text),
  asn: orNull(fc.oneof(fc.constant('AS64500 Example Ltd'), fc.constant('AS64501'), text)),
});

/** Details as use cases write them: some name whoever got or lost a right. */
const details = fc.oneof(
  fc.dictionary(fc.stringMatching(/^[a-z]\w{0,11}$/), plain, { maxKeys: 5 }),
  fc.record({
    role: text,
    subject: text,
    subjectType: fc.constantFrom('user', 'group', 'service-account'),
    subjectId: id('usr'),
    expiresAt: orNull(time),
  }),
  fc.record({ rule: text, severity: fc.constantFrom('low', 'medium', 'high'), subject: text, events: fc.nat(), event: id('evt') }),
  fc.record({ template: id('tpl'), person: id('usr'), name: text }),
  fc.record({ method: fc.constantFrom('password', 'passkey', 'password+totp'), newDevice: fc.boolean() }),
);

const change = fc.oneof(
  fc.record({ path: text, old: fc.jsonValue({ maxDepth: 1 }), new: fc.jsonValue({ maxDepth: 1 }), secret: fc.constant(false) }),
  fc.record({ path: text, old: fc.constant(null), new: fc.constant(null), secret: fc.constant(true) }),
  fc.tuple(fc.constantFrom('user', 'group'), id('usr'), text, fc.boolean()).map(([kind, member, name, added]) => ({
    path: `members.${kind} ${member}`,
    old: added ? null : name,
    new: added ? name : null,
    secret: false,
  })),
);

const anything = fc.record({
  id: id('evt'),
  seq: fc.integer({ min: 1, max: 2 ** 40 }),
  ...{ time, recordedAt: time },
  actor: fc.record({
    type: fc.constantFrom(...ACTOR_TYPES),
    id: orNull(id('usr')),
    name: text,
    email: orNull(fc.constantFrom('olga@example.test', "o'neil+x@example.test", 'jürgen@münchen.example')),
    via: orNull(fc.constantFrom('session', 'token', 'connection')),
  }),
  resource: fc.record({ id: orNull(id('usr')), name: fc.oneof(text, fc.constant('POST /api/v1/users')) }),
  status: orNull(fc.constantFrom(200, 201, 204, 401, 403, 412)),
  reason: orNull(text),
  origin: orNull(origin),
  requestId: orNull(id('req')),
  sessionId: orNull(id('ses')),
  workspaceId: orNull(id('wsp')),
  grantId: orNull(id('acr')),
  diff: fc.array(change, { maxLength: 3 }),
  details,
});

/** Any event of that action and outcome that the ledger could hold. */
export const anyEvent = (action: AuditAction, outcome: AuditEvent['outcome']): fc.Arbitrary<AuditEvent> =>
  anything.map((event) => ({ ...event, action, outcome, resource: { ...event.resource, type: AUDIT_ACTIONS[action].resource } }));

export const EVERY_ACTION = Object.keys(AUDIT_ACTIONS) as AuditAction[];
/** Each action with each outcome. */
export const EVERY_KIND = EVERY_ACTION.flatMap((action) => OUTCOMES.map((outcome) => [action, outcome] as const));
