import { draftEvent, type DraftEvent } from '@gatehouse/core/audit/event.ts';
import { eventOf, type EventFacts } from '../platform/commit.ts';
import type { Services } from '../platform/context.ts';
import { objectContext } from '../platform/object-context.ts';
import type { ViewerSocketFacts } from '../platform/socket-facts.ts';
import { statement, type TenantDb } from '../platform/tenant-db.ts';

/** What the object of a workspace saw of a connection. */
export type Happened = Pick<EventFacts, 'outcome' | 'reason' | 'details'> & {
  action: 'connection.join' | 'connection.drive' | 'connection.end' | 'app.open' | 'app.close' | 'port.open' | 'port.close';
};

/** Whose connection it is, and to what. */
export type ConnectionFacts = Pick<
  ViewerSocketFacts,
  'tenantId' | 'shard' | 'workspaceId' | 'workspaceName' | 'connectionId' | 'sessionId' | 'user' | 'grantId'
>;

/** Actions after which a connection is over. */
const ENDS: ReadonlySet<string> = new Set(['connection.end', 'app.close', 'port.close']);

interface Row extends Record<string, SqlStorageValue> {
  number: number;
  tenant_id: string;
  shard: string;
  body: string;
}

/**
 * Events of one workspace's connections, kept in its object's SQLite until the ledger holds them. Each gets its id and time
 * when it is noted, so telling it again is harmless, and they are told in the order in which they were noted.
 */
export class ConnectionEvents {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS events (
      number INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id TEXT NOT NULL, shard TEXT NOT NULL, body TEXT NOT NULL)`);
  }

  note(services: Services, facts: ConnectionFacts, happened: Happened): void {
    const event = eventOf(objectContext(services, facts, { type: 'system', name: 'Gatehouse' }), {
      ...happened,
      resource: { type: 'connection', id: facts.connectionId, name: facts.workspaceName },
      workspaceId: facts.workspaceId,
      sessionId: facts.sessionId,
      grantId: facts.grantId,
      actor: { type: 'user', ...facts.user, via: 'connection' },
    });
    this.#sql.exec('INSERT INTO events (tenant_id, shard, body) VALUES (?, ?, ?)', facts.tenantId, facts.shard, JSON.stringify(event));
  }

  any(): boolean {
    return this.#sql.exec('SELECT 1 FROM events LIMIT 1').toArray().length > 0;
  }

  /** Tells what waits, and forgets it once it is held. Not to be called twice at once. */
  async tell(services: Services): Promise<void> {
    for (let rows = this.#waiting(); rows[0] !== undefined; rows = this.#waiting()) {
      const { tenant_id: tenantId, shard } = rows[0];
      const events = rows.map(({ body }) => draftEvent.parse(JSON.parse(body)));
      await markEnded(services.tenantDb(shard, tenantId), events);
      await services.ledger.tell(tenantId, shard, `workspace:${events[0]?.workspaceId}`, events);
      this.#sql.exec('DELETE FROM events WHERE number <= ?', rows.at(-1)?.number ?? 0);
    }
  }

  #waiting(): Row[] {
    return this.#sql.exec<Row>('SELECT number, tenant_id, shard, body FROM events ORDER BY number LIMIT 100').toArray();
  }
}

/** Connections that have ended are not looked for when a session ends. What an app’s session read is counted by its object alone. */
async function markEnded(db: TenantDb, events: readonly DraftEvent[]): Promise<void> {
  const ended = events.filter(({ action }) => ENDS.has(action));
  if (ended.length === 0) return;
  await db.batch(
    ended.flatMap(({ action, time, resource, details }) => [
      statement('UPDATE connections SET ended_at = ? WHERE tenant_id = ? AND id = ? AND ended_at IS NULL', time, db.tenantId, resource.id),
      ...(action === 'connection.end'
        ? []
        : [
            statement(
              'UPDATE connections SET read_apps = ? WHERE tenant_id = ? AND id = ?',
              details['bytesOut'] ?? 0,
              db.tenantId,
              resource.id,
            ),
          ]),
    ]),
  );
}
