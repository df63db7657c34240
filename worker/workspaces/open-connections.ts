import { viewerFacts, type ViewerSocketFacts } from '../platform/socket-facts.ts';
import type { EndedConnection } from './connections.ts';

/** A connection and, once it has ended, what is still to be recorded of it. */
export interface OpenConnection extends EndedConnection {
  tenantId: string;
  shard: string;
}

interface Row extends Record<string, SqlStorageValue> {
  connection_id: string;
  tenant_id: string;
  shard: string;
  workspace_id: string;
  workspace_name: string;
  session_id: string;
  user: string;
  opened_at: string;
  ended_at: string | null;
  bytes_in: number;
  bytes_out: number;
  reason: string | null;
}

/** The connections of one workspace's object, in its SQLite: written when one joins and leaves, never in between. */
export class OpenConnections {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS connections (
      viewer INTEGER PRIMARY KEY AUTOINCREMENT, connection_id TEXT NOT NULL UNIQUE, tenant_id TEXT NOT NULL, shard TEXT NOT NULL,
      workspace_id TEXT NOT NULL, workspace_name TEXT NOT NULL, session_id TEXT NOT NULL, user TEXT NOT NULL, opened_at TEXT NOT NULL,
      ended_at TEXT, bytes_in INTEGER NOT NULL DEFAULT 0, bytes_out INTEGER NOT NULL DEFAULT 0, reason TEXT)`);
  }

  /** @returns the viewer's number, never used twice (SPEC O2): 16 bits, so it starts again after 65,535 */
  add(facts: ViewerSocketFacts & { openedAt: string }): number {
    const { viewer } = this.#sql
      .exec<{ viewer: number }>(
        `INSERT INTO connections (connection_id, tenant_id, shard, workspace_id, workspace_name, session_id, user, opened_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING viewer`,
        facts.connectionId,
        facts.tenantId,
        facts.shard,
        facts.workspaceId,
        facts.workspaceName,
        facts.sessionId,
        JSON.stringify(facts.user),
        facts.openedAt,
      )
      .one();
    return ((viewer - 1) % 65_535) + 1;
  }

  end(connectionId: string, facts: { endedAt: string; bytesIn: number; bytesOut: number; reason: string }): void {
    this.#sql.exec(
      'UPDATE connections SET ended_at = ?, bytes_in = ?, bytes_out = ?, reason = ? WHERE connection_id = ? AND ended_at IS NULL',
      facts.endedAt,
      facts.bytesIn,
      facts.bytesOut,
      facts.reason,
      connectionId,
    );
  }

  /** Ends what has no socket any more. */
  endAllBut(live: ReadonlySet<string>, endedAt: string, reason: string): void {
    const open = this.#sql.exec<{ connection_id: string }>('SELECT connection_id FROM connections WHERE ended_at IS NULL').toArray();
    for (const { connection_id } of open)
      if (!live.has(connection_id)) this.end(connection_id, { endedAt, bytesIn: 0, bytesOut: 0, reason });
  }

  ended(): OpenConnection[] {
    return this.#sql.exec<Row>('SELECT * FROM connections WHERE ended_at IS NOT NULL ORDER BY viewer').toArray().map(present);
  }

  any(): boolean {
    return this.#sql.exec('SELECT 1 FROM connections LIMIT 1').toArray().length > 0;
  }

  forget(connectionId: string): void {
    this.#sql.exec('DELETE FROM connections WHERE connection_id = ?', connectionId);
  }
}

function present(row: Row): OpenConnection {
  const endedAt = row.ended_at ?? row.opened_at;
  return {
    connectionId: row.connection_id,
    tenantId: row.tenant_id,
    shard: row.shard,
    workspaceId: row.workspace_id,
    workspaceName: row.workspace_name,
    sessionId: row.session_id,
    user: viewerFacts.shape.user.parse(JSON.parse(row.user)),
    endedAt,
    seconds: Math.round((Date.parse(endedAt) - Date.parse(row.opened_at)) / 1000),
    bytesIn: row.bytes_in,
    bytesOut: row.bytes_out,
    reason: row.reason ?? '',
  };
}
