import { runInDurableObject } from 'cloudflare:test';
import type { AuditEvent } from '../../core/audit/event.ts';
import { appendLeaf, leafHash } from '../../core/audit/merkle.ts';
import { packHashes, saltedHash, sha256, unpackFrontier } from '../../worker/audit/hash.ts';
import { insertEvent, noteDrift } from '../../worker/audit/ledger.index.ts';
import { readHead, writeHead } from '../../worker/audit/ledger.schema.ts';
import { keepNodes } from '../../worker/audit/ledger.tree.ts';
import type { LedgerObject } from '../../worker/platform/objects.ts';
import { Chance } from './chance.ts';

export const BEGIN = Date.parse('2026-10-01T00:00:00.000Z');
const MONTH_MS = 30 * 24 * 60 * 60_000;

const ACTIONS = ['template.read', 'workspace.start', 'workspace.stop', 'connection.open', 'connection.end', 'user.sign_in'] as const;
const longId = (prefix: string, number: number) => `${prefix}_01k${number.toString(32).padStart(23, '0')}`;
export const person = (number: number) => longId('usr', number);

/** An event as a busy organisation has them: three hundred people, a role given now and then, few refusals, a rare word. */
function ordinary(chance: Chance, seq: number, count: number): AuditEvent {
  const who = Math.floor(chance.next() ** 2 * 300);
  const action = seq % 170 === 0 ? 'role.assign' : chance.pick(ACTIONS);
  const denied = seq % 401 === 0;
  const at = BEGIN + Math.floor((seq / count) * MONTH_MS);
  return {
    id: longId('evt', seq),
    seq,
    time: new Date(at).toISOString(),
    recordedAt: new Date(at + chance.between(5, 400)).toISOString(),
    actor: { type: 'user', id: person(who), name: `Person Number ${who}`, email: `person.${who}@acme.test`, via: 'session' },
    action,
    resource: {
      type: action === 'role.assign' ? 'role' : 'template',
      id: longId('tpl', chance.between(0, 3_000)),
      name: `${chance.pick(['payments', 'billing', 'frontend'])}-${seq % 40}${seq % 499 === 7 ? '-zebra' : ''}`,
    },
    outcome: denied ? 'denied' : 'success',
    status: denied ? 403 : 200,
    reason: denied ? 'This needs the permission template:manage' : null,
    origin: {
      ip: `203.0.113.${who % 250}`,
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
      ...{ browser: 'Chrome 141', os: 'Linux', device: 'desktop', country: 'DE', city: 'Berlin', asn: null },
    },
    requestId: longId('req', chance.between(0, 2 ** 30)),
    sessionId: longId('ses', who * 7 + Math.floor(seq / 2_000)),
    workspaceId: null,
    grantId: null,
    diff: [],
    details: {},
  };
}

/** Events of a month, written inside the object: fifty thousand would take minutes by its calls. @returns them */
export async function fill(ledger: DurableObjectStub<LedgerObject>, tenantId: string, count: number): Promise<AuditEvent[]> {
  const chance = new Chance(count);
  const events = Array.from({ length: count }, (_, index) => ordinary(chance, index + 1, count));
  await record(ledger, tenantId, events);
  return events;
}

/** Puts these very events into an empty ledger. */
export async function record(ledger: DurableObjectStub<LedgerObject>, tenantId: string, events: readonly AuditEvent[]): Promise<void> {
  await runInDurableObject(ledger, (_, { storage }) => {
    const { sql } = storage;
    storage.transactionSync(() => {
      const head = readHead(sql) ?? { tenantId, shard: 's0', size: 0, frontier: new Uint8Array(), recordedAt: '', clearAt: null };
      let frontier = unpackFrontier(head.size, head.frontier);
      for (const event of events) {
        const [salt, json] = [crypto.getRandomValues(new Uint8Array(16)), new TextEncoder().encode(JSON.stringify(event))];
        const leaf = leafHash(sha256, saltedHash(salt, json));
        insertEvent(sql, 'api', event, salt, json);
        sql.exec('INSERT INTO leaves (seq, hash) VALUES (?, ?)', event.seq, leaf);
        frontier = appendLeaf(sha256, frontier, leaf, keepNodes(sql));
      }
      noteDrift(sql, events);
      const recordedAt = events.at(-1)?.recordedAt ?? '';
      writeHead(sql, { ...head, size: frontier.size, frontier: packHashes(frontier.hashes), recordedAt });
    });
  });
}

/** The object's database, with a count of the rows that it reads. */
export function counted(sql: SqlStorage): { sql: SqlStorage; rowsRead(): number } {
  let rows = 0;
  const exec = (text: string, ...params: unknown[]) => {
    const cursor = sql.exec(text, ...params);
    const all = cursor.toArray();
    rows += cursor.rowsRead;
    return Object.assign(all, { toArray: () => all, one: () => all[0] });
  };
  return { sql: Object.assign(Object.create(sql), { exec }) as SqlStorage, rowsRead: () => rows };
}
