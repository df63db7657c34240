import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import { AppError } from '@gatehouse/core/errors.ts';

/** What drizzle's builders and `statement` have in common: SQL with its values. */
export interface Statement {
  toSQL(): { sql: string; params: unknown[] };
}

/** A statement written by hand; it passes the same guard as built ones. */
export const statement = (sql: string, ...params: unknown[]): Statement => ({ toSQL: () => ({ sql, params }) });

const TABLES = /\b(?:from|join|into|update)\s+"?([a-z_]+)"?/gi;
/** Table-valued functions and names of common table expressions carry no tenant. */
const FREE = new Set(['json_each', 'set', 'select']);

/**
 * Refuses a statement that could reach beyond one tenant: each table it names needs its own
 * `tenant_id`, and the tenant's id must be among the bound values.
 */
function guard(sql: string, params: readonly unknown[], tenantId: string): void {
  const named = [
    ...sql.matchAll(/\bwith\s+(?:recursive\s+)?([a-z_]+)\s*(?:\([^)]*\))?\s+as\b|,\s*([a-z_]+)\s*(?:\([^)]*\))?\s+as\s*\(/gi),
  ].map((match) => match[1] ?? match[2]);
  const tables = [...sql.matchAll(TABLES)].map((match) => match[1] ?? '').filter((name) => !FREE.has(name) && !named.includes(name));
  const conditions = sql.match(/tenant_id/g)?.length ?? 0;
  if (conditions < tables.length || !params.includes(tenantId)) {
    throw new AppError('internal', `A query on ${tables.join(', ')} names no tenant`);
  }
}

/**
 * The only way to query a tenant's tables. Every statement, built by drizzle or by hand, is checked
 * before it reaches D1; one batch is one transaction.
 */
export class TenantDb {
  readonly tenantId: string;
  readonly shard: string;
  readonly orm: DrizzleD1Database;
  readonly #d1: D1Database;

  constructor(d1: D1Database, shard: string, tenantId: string) {
    this.#d1 = d1;
    this.shard = shard;
    this.tenantId = tenantId;
    this.orm = drizzle(guarded(d1, tenantId));
  }

  /** Runs all or none; answers each statement's rows and number of changes, in order. */
  async batch(statements: readonly Statement[]): Promise<Array<{ rows: Array<Record<string, unknown>>; changes: number }>> {
    const prepared = statements.map((each) => this.#prepare(each));
    const results = await this.#d1.batch<Record<string, unknown>>(prepared);
    return results.map(({ results: rows, meta }) => ({ rows, changes: meta.changes }));
  }

  /** The rows of one hand-written query. Its caller parses or types them. */
  async rows<T>(sql: string, ...params: unknown[]): Promise<T[]> {
    return (await this.#prepare(statement(sql, ...params)).all<T>()).results;
  }

  async first<T>(sql: string, ...params: unknown[]): Promise<T | undefined> {
    return (await this.rows<T>(sql, ...params))[0];
  }

  #prepare(query: Statement): D1PreparedStatement {
    const { sql, params } = query.toSQL();
    guard(sql, params, this.tenantId);
    return this.#d1.prepare(sql).bind(...params);
  }
}

/** A view of D1 on which drizzle can prepare only what the guard lets through. */
function guarded(d1: D1Database, tenantId: string): D1Database {
  return new Proxy(d1, {
    get(target, key) {
      if (key !== 'prepare') throw new AppError('internal', 'Tenant queries run one by one or through TenantDb.batch');
      return (sql: string) => {
        const prepared = target.prepare(sql);
        return new Proxy(prepared, {
          get(inner, method) {
            if (method !== 'bind') throw new AppError('internal', 'A tenant query binds its tenant');
            return (...params: unknown[]) => {
              guard(sql, params, tenantId);
              return inner.bind(...params);
            };
          },
        });
      };
    },
  });
}
