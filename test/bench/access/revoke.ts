import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { decodeFrame, decodeJson, SUBPROTOCOL } from '../../../core/protocol/frame.ts';
import { Person } from '../../../scripts/api.ts';
import { inLanes } from '../../../worker/platform/lanes.ts';
import { within, type Options, type Row } from '../measure.ts';
import type { Product } from '../product.ts';
import { StandInRunner } from './stand-in-runner.ts';

/** RFC 7517, appendix A.1: nothing is sealed here, so any key will do. */
const AT_ONCE = 8;

/** Somebody at work: a session, a workspace of their own, and a socket into it. */
interface Viewer {
  person: Person;
  workspaceId: string;
}

/**
 * A hundred people, each with a session and a running workspace of their own; then the template's list is emptied. From the
 * start of that request until the close is at each socket. The runner is a stand-in that says what it is asked:
 * it starts no sandboxes. @throws Error when a socket closes with another code, or not at all
 */
export async function measureRevoking(product: Product, { rounds, quick }: Options): Promise<Row[]> {
  const { owner, origin } = product;
  const runner = await StandInRunner.start(owner, origin);
  try {
    const template = await owner.call<{ id: string }>('POST', '/templates', { name: 'revoked', spec: { driver: 'process' } });
    await setList(owner, template.id, [{ subject: { type: 'everyone' }, role: 'use' }]);
    const people = await signIn(product, quick ? 5 : 100);
    const viewers: Viewer[] = [];
    await all(people, async (person, index) => {
      const body = { templateId: template.id, runnerId: runner.id, name: `revoked-${index}` };
      const { id } = await person.call<{ id: string }>('POST', '/workspaces', body);
      await runner.serve(id);
      viewers.push({ person, workspaceId: id });
    });
    const each: number[] = [];
    const last: number[] = [];
    for (let round = 0; round < (quick ? 1 : rounds); round++) {
      const closes = await oneRound(product, template.id, viewers);
      each.push(...closes);
      last.push(Math.max(...closes));
    }
    const called = `${people.length} live sessions`;
    const row = (what: string, samples: number[]): Row => ({ bench: 'access', what, system: 'gatehouse', unit: 'ms', samples });
    return [row(`revoke to close, ${called}`, each), row(`revoke to the last close, ${called}`, last)];
  } finally {
    runner.stop();
  }
}

async function oneRound({ owner, origin }: Product, templateId: string, viewers: readonly Viewer[]): Promise<number[]> {
  const sockets: WebSocket[] = [];
  await all(viewers, async (viewer) => sockets.push(await connect(origin, viewer)));
  const { headers } = await owner.ask('GET', `/templates/${templateId}/acl`);
  const start = performance.now();
  const told = Promise.all(sockets.map((socket) => closeOf(socket, start)));
  told.catch(() => undefined);
  await owner.call('PUT', `/templates/${templateId}/acl`, { items: [] }, { 'If-Match': headers.get('ETag') ?? '' });
  const times = await within(30, 'every socket is closed', told);
  await setList(owner, templateId, [{ subject: { type: 'everyone' }, role: 'use' }]);
  return times;
}

/**
 * Milliseconds until the close frame is here, looked for every one. The event comes only with the end of the TCP connection,
 * which the local platform keeps for ten seconds more. @throws Error when the code is not 4403
 */
async function closeOf(socket: WebSocket, start: number): Promise<number> {
  while (socket.readyState === WebSocket.OPEN) await sleep(1);
  const time = performance.now() - start;
  const closed = once(socket, 'close') as Promise<[number]>;
  socket.terminate();
  const [code] = await closed;
  if (code !== 4403) throw new Error(`Closed with ${code}`);
  return time;
}

async function setList(owner: Person, templateId: string, items: unknown[]): Promise<void> {
  const path = `/templates/${templateId}/acl`;
  const etag = (await owner.ask('GET', path)).headers.get('ETag') ?? '';
  await owner.call('PUT', path, { items }, { 'If-Match': etag });
}

/** People with sessions, straight into the database: a hundred hashes of passwords would be another benchmark. */
async function signIn({ owner, origin, database }: Product, count: number): Promise<Person[]> {
  const me = await owner.call<{ tenant: { id: string } }>('GET', '/me');
  const tenantId = me.tenant.id;
  const d1 = await database('SHARD_0');
  const id = () => `0${[...randomBytes(25)].map((byte) => '0123456789abcdefghjkmnpqrstvwxyz'[byte % 32]).join('')}`;
  const [now, ends] = [new Date(), new Date(Date.now() + 3_600_000)].map((date) => date.toISOString());
  const people: Person[] = [];
  for (let index = 0; index < count; index++) {
    const [userId, secret] = [`usr_${id()}`, `ghc_s0.${tenantId}.${randomBytes(32).toString('base64url')}`];
    const hash = createHash('sha256').update(secret).digest('base64url');
    await d1.batch([
      d1
        .prepare(
          `INSERT INTO users (tenant_id, id, email, name, state, email_verified_at, created_at) VALUES (?1, ?2, ?2 || '@bench.test', ?2, 'active', ?3, ?3)`,
        )
        .bind(tenantId, userId, now),
      d1
        .prepare(
          'INSERT INTO sessions (tenant_id, id, secret_hash, user_id, created_at, last_seen_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)',
        )
        .bind(tenantId, `ses_${id()}`, hash, userId, now, ends),
    ]);
    const person = new Person(origin, `__Host-gatehouse=${secret}`);
    await person.call('POST', '/me/session/key');
    people.push(person);
  }
  return people;
}

/** An open socket that was welcomed. */
async function connect(origin: string, { person, workspaceId }: Viewer): Promise<WebSocket> {
  const { ticket } = await person.call<{ ticket: string }>(
    'POST',
    `/workspaces/${workspaceId}/attach`,
    { key: (await person.key).publicKey },
    { 'Sec-Fetch-Site': 'same-origin' },
  );
  const socket = new WebSocket(
    `${origin.replace('http', 'ws')}/api/v1/workspaces/${workspaceId}/connect`,
    [SUBPROTOCOL, `ticket.${ticket}`],
    { origin, perMessageDeflate: false },
  );
  const welcomed = new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', (code) => reject(new Error(`Closed with ${code} before the welcome`)));
    socket.once('message', (data: Buffer) => {
      const said = decodeJson(decodeFrame(new Uint8Array(data)).payload) as { kind?: string };
      if (said.kind === 'welcome') resolve();
      else reject(new Error(`Expected a welcome, not ${said.kind}`));
    });
  });
  await within(15, 'the welcome', welcomed);
  return socket;
}

/** @throws the first failure */
async function all<T>(items: readonly T[], work: (item: T, index: number) => Promise<unknown>): Promise<void> {
  const [failed] = await inLanes(AT_ONCE, [...items.entries()], ([index, item]) => work(item, index));
  if (failed) throw failed.error;
}
