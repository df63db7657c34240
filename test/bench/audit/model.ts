import type { AuditAction, DraftEvent } from '../../../core/audit/event.ts';
import { AUDIT_ACTIONS } from '../../../core/audit/event.ts';
import { Chance } from '../../support/chance.ts';

/**
 * A trail by its numbers: event n is always the same, so the ledger and its peer are filled with the same events without
 * either being told by the other. People work unevenly, as they do: few make much of it.
 */

const USERS = 2_000;
const TEMPLATES = 1_000;
const WORKSPACES = 20_000;
const START = Date.parse('2026-01-01T00:00:00.000Z');
const BETWEEN_MS = 500;

/** Ten events, all among the first ten thousand: as many are found among few as among very many, and ever deeper down. */
const isRareAt = (n: number) => n <= 10_000 && n % 1_000 === 500;
export const RARE_ACTION: AuditAction = 'tenant.update';
/** Its words occur nowhere else. */
export const RARE_NAME = 'Zephyrine Quill';

const FREQUENT: readonly AuditAction[] = ['connection.open', 'connection.join', 'connection.end', 'workspace.start', 'user.sign_in'];
/** Without those that make the ledger do something of its own. */
const OTHERS = (Object.keys(AUDIT_ACTIONS) as AuditAction[]).filter(
  (action) => !FREQUENT.includes(action) && action !== RARE_ACTION && !/^(siem|audit|finding|role)\b/.test(action),
);
/** Six in a thousand. */
export const SELDOM_ACTION: AuditAction = 'template.update';

export interface Facts {
  id: string;
  at: number;
  userId: string;
  userName: string;
  email: string;
  action: AuditAction;
  resourceType: DraftEvent['resource']['type'];
  resourceId: string;
  resourceName: string;
  outcome: DraftEvent['outcome'];
  ip: string;
}

/** An id as the product's look, with the number in TypeID's base 32. */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';
const named = (prefix: string, index: number) =>
  `${prefix}_01m856tm29${Array.from(index.toString(32).padStart(16, '0'), (digit) => DIGITS[parseInt(digit, 32)]).join('')}`;
const NAMES = ['Ana', 'Ben', 'Chloé', 'Dmitri', 'Esra', 'Fatou', 'Goran', 'Hanna'];
const SURNAMES = ['Okafor', 'Lindqvist', 'Marek', 'Nguyen', 'Petrov', 'Silva', 'Tanaka', 'Vos'];

export const userOf = (index: number) => ({
  id: named('usr', index),
  name: `${NAMES[index % NAMES.length]} ${SURNAMES[Math.floor(index / NAMES.length) % SURNAMES.length]} ${index}`,
  email: `user${index}@bench.test`,
});
/** Whose events are nearly one in twenty. */
export const HEAVY_USER = userOf(0);
/** Four in a thousand: a page full of them among ten thousand already. */
export const LIGHT_USER = userOf(20);

/** Event number n, from 1. */
export function factsOf(n: number): Facts {
  const chance = new Chance(n * 2_654_435_761);
  const user = userOf(Math.floor(USERS * chance.next() ** 4));
  const isRare = isRareAt(n);
  const action = isRare ? RARE_ACTION : chance.oneIn(170) ? SELDOM_ACTION : chance.oneIn(3) ? chance.pick(OTHERS) : chance.pick(FREQUENT);
  const resourceType = AUDIT_ACTIONS[action].resource;
  const kind = chance.between(1, resourceType === 'template' ? TEMPLATES : WORKSPACES);
  return {
    id: named('evt', n),
    at: START + n * BETWEEN_MS,
    ...{ userId: user.id, userName: user.name, email: user.email, action, resourceType },
    resourceId: named(resourceType.slice(0, 3), kind),
    resourceName: isRare ? RARE_NAME : `${resourceType}-${kind}`,
    outcome: action === 'user.sign_in' ? 'success' : chance.oneIn(40) ? 'denied' : chance.oneIn(60) ? 'failure' : 'success',
    ip: `10.${chance.between(0, 255)}.${chance.between(0, 255)}.${chance.between(1, 254)}`,
  };
}

/** What the platform bills, counted where it is asked for. */
export interface Counts {
  archiveMessages: number;
  deliveryMessages: number;
  puts: number;
  ledgerRowsWritten: number;
}

const AGENT = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

/** The event as the ledger takes it. */
export function eventOf(n: number): DraftEvent {
  const facts = factsOf(n);
  return {
    id: facts.id,
    time: new Date(facts.at).toISOString(),
    actor: { type: 'user', id: facts.userId, name: facts.userName, email: facts.email, via: 'session' },
    action: facts.action,
    resource: { type: facts.resourceType, id: facts.resourceId, name: facts.resourceName },
    outcome: facts.outcome,
    status: facts.outcome === 'success' ? 200 : 403,
    reason: facts.outcome === 'success' ? null : 'May not',
    origin: {
      ...{ ip: facts.ip, userAgent: AGENT, browser: 'Chrome 142', os: 'Linux', device: 'desktop' },
      ...{ country: 'NL', city: 'Utrecht', asn: '1136' },
    },
    ...{ requestId: named('req', n), sessionId: named('ses', n % 50_000), workspaceId: null, grantId: null },
    diff: facts.action.endsWith('.update') ? [{ path: 'name', old: `before-${n}`, new: `after-${n}`, secret: false }] : [],
    details: {},
  };
}
