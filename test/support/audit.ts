import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { auditEvent, type AuditEvent, type DraftEvent } from '@gatehouse/core/audit/event.ts';
import { HOT_MS, purge } from '../../worker/audit/ledger.segments.ts';
import { compose } from '../../worker/compose.ts';
import type { Context, Services, UserContext } from '../../worker/platform/context.ts';
import type { EventQuery, LedgerObject } from '../../worker/platform/objects.ts';
import { permissionsOf, type BuiltInRole } from '../../core/access/permissions.ts';

export interface TestTenant {
  tenantId: string;
  services: Services;
  /** the ledger's stub */
  ledger: DurableObjectStub<LedgerObject>;
  /** appends events as the API would */
  append(...events: DraftEvent[]): Promise<void>;
  /** every event of the hot index, in order */
  events(query?: Partial<EventQuery>): Promise<AuditEvent[]>;
  as(...roles: BuiltInRole[]): UserContext;
}

/** A tenant of its own for one test. Deferred work is awaited by nobody, as in production. */
export function mintTenant(): TestTenant {
  // What fails on purpose need not fill the test's report.
  const services: Services = { ...compose(env, () => {}), log: () => {} };
  const tenantId = services.newId('tenant');
  const ledger = env.AUDIT_LEDGER.getByName(tenantId);
  return {
    tenantId,
    services,
    ledger,
    append: (...events) => services.ledger.append(tenantId, 's0', [{ outboxId: services.newId('outbox'), events }]),
    events: async (query = {}) => {
      const { bodies } = await ledger.query({ limit: 10_000, order: 'asc', by: 'seq', ...query });
      return bodies.map((body) => auditEvent.parse(JSON.parse(body)));
    },
    as: (...roles) => userContext(services, tenantId, roles),
  };
}

function userContext(services: Services, tenantId: string, roles: BuiltInRole[]): UserContext {
  const base: Omit<Context, 'actor'> = {
    ...services,
    request: null,
    db: services.tenantDb('s0', tenantId),
    tenant: { id: tenantId, slug: 'test', name: 'Test', region: 'auto', createdAt: services.now().toISOString() },
  };
  return {
    ...base,
    actor: {
      type: 'user',
      id: services.newId('user'),
      name: 'Ines',
      email: 'ines@acme.test',
      emailVerified: true,
      roles,
      customRoles: [],
      managesGroups: false,
      permissions: permissionsOf(roles),
      standing: permissionsOf(roles),
      token: null,
      sessionId: services.newId('session'),
      sessionExpiresAt: services.now().toISOString(),
      authentication: {
        method: 'password',
        at: services.now().toISOString(),
        presentAt: null,
        secondFactor: false,
        secondFactorRequired: false,
      },
    },
  };
}

/** An event that differs from others only in what the test says. */
export function draft(services: Services, facts: Partial<DraftEvent> = {}): DraftEvent {
  return {
    id: services.newId('event'),
    time: services.now().toISOString(),
    actor: { type: 'user', id: 'usr_test', name: 'Ines', email: 'ines@acme.test', via: 'session' },
    action: 'template.create',
    resource: { type: 'template', id: 'tpl_test', name: 'Payments' },
    outcome: 'success',
    status: 201,
    reason: null,
    origin: null,
    requestId: null,
    sessionId: null,
    workspaceId: null,
    grantId: null,
    diff: [],
    details: {},
    ...facts,
  };
}

export const drafts = (services: Services, count: number, facts: (index: number) => Partial<DraftEvent> = () => ({})): DraftEvent[] =>
  Array.from({ length: count }, (_, index) => draft(services, facts(index)));

/** Every object of the archive under a prefix, without the proofs that lie beside segments. */
export async function archived(prefix: string): Promise<string[]> {
  return (await env.AUDIT_ARCHIVE.list({ prefix })).objects.map(({ key }) => key).filter((key) => !key.endsWith('.proof'));
}

/** As if the hot window had passed: what is archived leaves the hot index. */
export const forgetArchived = async ({ ledger, services }: Pick<TestTenant, 'ledger' | 'services'>): Promise<void> =>
  runInDurableObject(ledger, (_, { storage }) => purge(storage, services.now().getTime() + 2 * HOT_MS));
