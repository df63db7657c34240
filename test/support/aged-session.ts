import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Moves back when that session last showed who it is, in the database of a running local product: no test waits for ten minutes. */
export function ageSession(stateDir: string, sessionId: string, minutes: number): void {
  const folder = join(stateDir, 'd1/miniflare-D1DatabaseObject');
  const at = new Date(Date.now() - minutes * 60_000).toISOString();
  const changed = readdirSync(folder)
    .filter((name) => name.endsWith('.sqlite') && name !== 'metadata.sqlite')
    .map((name) => setIn(join(folder, name), sessionId, at));
  if (!changed.includes(true)) throw new Error(`There is no session ${sessionId}`);
}

/** @returns whether the session is of that database */
function setIn(file: string, sessionId: string, at: string): boolean {
  const database = new DatabaseSync(file, { timeout: 5_000 });
  try {
    if (database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'sessions'").get() === undefined) return false;
    return database.prepare('UPDATE sessions SET authenticated_at = ? WHERE id = ?').run(at, sessionId).changes === 1;
  } finally {
    database.close();
  }
}
