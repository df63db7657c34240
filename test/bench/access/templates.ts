import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Person } from '../../../scripts/api.ts';
import { ROOT } from '../../support/place.ts';
import { repeat, type Options, type Row } from '../measure.ts';
import type { Product } from '../product.ts';
import { makeOrganisation, WHOLE, type Organisation, type Size } from './model.ts';

type Database = Awaited<ReturnType<Product['database']>>;

/** Rows that one statement takes as JSON. */
const AT_ONCE = 2_000;

/**
 * "Templates I can use" in an organisation and in one of a tenth of it: time of the request, rows that its statement reads.
 * The rows come from the statement itself, run as the product runs it.
 */
export async function measureTemplates(product: Product, { quick }: Options): Promise<Row[]> {
  const d1 = await product.database('SHARD_0');
  const sizes = [tenth(WHOLE), ...(quick ? [] : [WHOLE])];
  const rows: Row[] = [];
  for (const size of sizes) {
    const tenantId = `tnt_${randomId()}`;
    const organisation = makeOrganisation(size, 7);
    await fill(d1, tenantId, organisation);
    const people = organisation.users.slice(0, quick ? 3 : 20);
    const called = `${size.templates} templates, ${size.groups} groups, ${size.users} users`;
    const read = await Promise.all(people.map((userId) => rowsReadFor(d1, tenantId, userId)));
    const cookies = await Promise.all(people.map((userId) => sessionFor(d1, tenantId, userId)));
    const ask = (index: number) => new Person(product.origin, cookies[index % cookies.length] ?? '').call('GET', '/templates?limit=50');
    const row = (what: string, unit: Row['unit'], samples: number[]): Row => ({
      bench: 'access',
      what: `${what}: ${called}`,
      system: 'gatehouse',
      unit,
      samples,
    });
    rows.push(row('templates I can use', 'ms', await repeat(quick ? 5 : 100, ask)));
    rows.push(
      row(
        'rows read',
        'rows',
        read.map((each) => each.rowsRead),
      ),
    );
    rows.push(
      row(
        'of them shown',
        'rows',
        read.map((each) => each.shown),
      ),
    );
  }
  return rows;
}

const tenth = ({ users, groups, templates }: Size): Size => ({ users: users / 10, groups: groups / 10, templates: templates / 10 });
/** In the alphabet of our ids, so that what is read back parses. */
const randomId = () => `0${[...randomBytes(25)].map((byte) => '0123456789abcdefghjkmnpqrstvwxyz'[byte % 32]).join('')}`;

/** Ids of the model are short; those of the product begin with them. */
const idOf = (short: string) => `${short.slice(0, 4)}0${short.slice(4).padStart(25, '0')}`;

async function fill(
  d1: Database,
  tenantId: string,
  { users, groups, templates, memberships, assignments, entries }: Organisation,
): Promise<void> {
  const insert = async (sql: string, values: ReadonlyArray<Record<string, unknown>>) => {
    for (let from = 0; from < values.length; from += AT_ONCE)
      await d1
        .prepare(`${sql} FROM json_each(?2)`)
        .bind(tenantId, JSON.stringify(values.slice(from, from + AT_ONCE)))
        .run();
  };
  const col = (name: string) => `value ->> '${name}'`;
  const time = "'2026-01-01T00:00:00.000Z'";
  await d1
    .prepare(`INSERT INTO tenants (tenant_id, slug, name, region, state, created_at) VALUES (?1, ?1, 'Bench', 'auto', 'active', ${time})`)
    .bind(tenantId)
    .run();
  await insert(
    `INSERT INTO users (tenant_id, id, email, name, state, created_at) SELECT ?1, ${col('id')}, ${col('id')} || '@bench.test', ${col('id')}, 'active', ${time}`,
    users.map((id) => ({ id: idOf(id) })),
  );
  await insert(
    `INSERT INTO groups (tenant_id, id, name, source, created_at) SELECT ?1, ${col('id')}, ${col('id')}, 'local', ${time}`,
    groups.map((id) => ({ id: idOf(id) })),
  );
  await insert(
    `INSERT INTO group_members (tenant_id, group_id, member_type, member_id) SELECT ?1, ${col('groupId')}, ${col('memberType')}, ${col('memberId')}`,
    memberships.map((each) => ({ ...each, groupId: idOf(each.groupId), memberId: idOf(each.memberId) })),
  );
  await insert(
    `INSERT INTO role_assignments (tenant_id, id, role, subject_type, subject_id, expires_at, created_at)
     SELECT ?1, ${col('id')}, 'auditor', ${col('type')}, ${col('subject')}, NULL, ${time}`,
    uniqueBy(assignments, ({ subject }) => subject.id).map(({ subject }) => ({
      id: `ras_${randomId()}`,
      type: subject.type,
      subject: idOf(subject.id),
    })),
  );
  await insert(
    `INSERT INTO templates (tenant_id, id, name, description, icon, version_id, revision, acl_revision, created_at)
     SELECT ?1, ${col('id')}, ${col('name')}, '', 'code', ${col('version')}, 1, 1, ${time}`,
    templates.map((id) => ({ id: idOf(id), name: id.replace('_', '-'), version: idOf(id.replace('tpl', 'tpv')) })),
  );
  await insert(
    `INSERT INTO template_versions (tenant_id, id, template_id, number, spec, created_by, created_at)
     SELECT ?1, ${col('version')}, ${col('id')}, 1, '{}', 'bench', ${time}`,
    templates.map((id) => ({ id: idOf(id), version: idOf(id.replace('tpl', 'tpv')) })),
  );
  await insert(
    `INSERT INTO template_acl (tenant_id, template_id, subject_type, subject_id, role, expires_at, created_at, created_by)
     SELECT ?1, ${col('template')}, ${col('type')}, ${col('subject')}, ${col('role')}, ${col('expiresAt')}, ${time}, 'bench'`,
    [...entries].flatMap(([template, list]) =>
      list.map(({ subject, role, expiresAt }) => ({
        ...{ template: idOf(template), role, expiresAt, type: subject.type },
        subject: subject.type === 'everyone' ? '' : idOf(subject.id),
      })),
    ),
  );
}

function uniqueBy<T>(list: readonly T[], key: (each: T) => string): T[] {
  return [...new Map(list.map((each) => [key(each), each])).values()];
}

/** A session, as sign-in would have begun it. @returns the cookie */
async function sessionFor(d1: Database, tenantId: string, userId: string): Promise<string> {
  const secret = `ghc_s0.${tenantId}.${randomBytes(32).toString('base64url')}`;
  const [now, ends] = [new Date(), new Date(Date.now() + 3_600_000)].map((date) => date.toISOString());
  await d1
    .prepare(
      'INSERT INTO sessions (tenant_id, id, secret_hash, user_id, created_at, last_seen_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)',
    )
    .bind(tenantId, `ses_${randomId()}`, createHash('sha256').update(secret).digest('base64url'), idOf(userId), now, ends)
    .run();
  return `__Host-gatehouse=${secret}`;
}

/** Just what is called of the Worker's own sources; their types belong to another world than this program's. */
interface Store {
  findTemplates(ctx: object, page: { limit: number; after: string | null }): Promise<unknown[]>;
}
interface TenantDbModule {
  TenantDb: new (d1: unknown, shard: string, tenantId: string) => object;
}
const sourceOf = async <T>(file: string): Promise<T> => (await import(pathToFileURL(join(ROOT, file)).href)) as T;

/** Runs the product's own query and reads D1's account of it. */
async function rowsReadFor(d1: Database, tenantId: string, userId: string): Promise<{ rowsRead: number; shown: number }> {
  const { findTemplates } = await sourceOf<Store>('worker/workspaces/templates.store.ts');
  const { TenantDb } = await sourceOf<TenantDbModule>('worker/platform/tenant-db.ts');
  let rowsRead = 0;
  const counting = {
    batch: (prepared: Array<{ all: () => Promise<unknown> }>) => Promise.all(prepared.map((each) => each.all())),
    prepare: (sql: string) => ({
      bind: (...values: unknown[]) => ({
        all: async () => {
          const result = await d1
            .prepare(sql)
            .bind(...values)
            .all();
          rowsRead += result.meta.rows_read ?? 0;
          return result;
        },
      }),
    }),
  };
  const actor = { type: 'user', id: idOf(userId), permissions: new Set() };
  const shown = await findTemplates(
    { db: new TenantDb(counting, 's0', tenantId), actor, now: () => new Date('2026-06-01T12:00:00.000Z') },
    { limit: 50, after: null },
  );
  return { rowsRead, shown: shown.length };
}
