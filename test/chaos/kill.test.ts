import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import { Person } from '../../scripts/api.ts';
import { type Product, signUp, startProduct, until } from '../support/product.ts';
import { readArchive, waitingOutbox } from './archive.ts';
import { seededDie } from './die.ts';
import { killWorkerd } from './kill.ts';
import { author, countingTemplate, developer, intruder, inviter, type Step } from './people.ts';
import { sandboxes } from './processes.ts';
import { mend, type Siem, startSiem, trouble } from './siem.ts';
import { Journal, Witness } from './witness.ts';

const ROUNDS = Number(process.env['CHAOS_ROUNDS'] ?? 3);
const PASSWORD = 'a long enough password';
const RUNNER = 'anvil';
/** Leases and repetitions of the ledger and the sweep are half a minute each. */
const PATIENCE_S = 100;

const { seed, roll } = seededDie();
const journal = new Journal();
let product: Product;
let siem: Siem;
let owner: Person;
let tenantId: string;
let destinationId: string;

beforeAll(async () => {
  product = await startProduct({}, 1000);
  siem = await startSiem();
  owner = await signUp(product.origin, 'chaos', PASSWORD);
  tenantId = (await owner.call<{ tenant: { id: string } }>('GET', '/me')).tenant.id;
  await product.addRunner(owner, RUNNER);
  const config = { type: 'splunk-hec', url: siem.url };
  const destination = { name: 'Splunk', config, secret: siem.token };
  destinationId = (await owner.call<{ id: string }>('POST', '/siem-destinations', destination)).id;
});

afterAll(async () => {
  await product.end();
  await siem.close();
});

async function employ(name: string, roles: string[]): Promise<Witness> {
  const email = `${name}@chaos.test`;
  const { link } = await owner.call<{ link: string }>('POST', '/invitations', { email, roles });
  const person = new Person(product.origin);
  await person.call('POST', '/invitations/accept', { token: link.split('#')[1], name, password: PASSWORD });
  return new Witness(product.origin, person.cookie, journal);
}

/** The event loop turns so often: a moment that no answer determines. */
async function moment(): Promise<void> {
  for (let turns = roll(400); turns > 0; turns--) await new Promise((next) => setImmediate(next));
}

async function killSomething(): Promise<void> {
  const seen = journal.answered;
  const work = 15 + roll(45);
  await until(async () => journal.answered >= seen + work);
  await moment();
  const fate = roll(4);
  await Promise.all([fate !== 3 ? killWorkerd(product, 1 + roll(2)) : null, fate >= 2 ? product.killRunner(RUNNER) : null]);
}

async function everyEvent(): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  for (let cursor = ''; ;) {
    const path = `/audit/events?limit=1000${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
    const page = await owner.call<{ items: AuditEvent[]; nextCursor: string }>('GET', path);
    if (page.items.length === 0) return events;
    events.push(...page.items);
    cursor = page.nextCursor;
  }
}

/** The log once archive and Splunk have all of it. To read it is an event too, once in a while. */
async function everyEventDelivered(): Promise<AuditEvent[]> {
  for (;;) {
    const events = await everyEvent();
    const status = () => owner.call<{ size: number; archivedTo: number }>('GET', '/audit/status');
    await until(async () => (await status()).archivedTo >= events.length, PATIENCE_S);
    await until(async () => (await siem.state()).indexed.some(({ event }) => event.seq >= events.length), PATIENCE_S);
    if ((await status()).size === events.length) return events;
  }
}

async function everyItem<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: { items: T[]; nextCursor: string | null } = await owner.call(
      'GET',
      `${path}limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`,
    );
    items.push(...page.items);
    cursor = page.nextCursor;
  }
  return items;
}

interface Space {
  id: string;
  name: string;
  desired: string;
  phase: string;
  error: string | null;
}
const spaces = async () => [
  ...(await everyItem<Space>('/workspaces?all=true&')),
  ...(await everyItem<Space>('/workspaces?all=true&trash=true&')),
];

/** Work by five people at once, while everything under them is killed, until `ROUNDS` are over. */
async function havoc(): Promise<void> {
  const base = await owner.call<{ id: string }>('POST', '/templates', countingTemplate('base'));
  const items = [{ subject: { type: 'everyone' }, role: 'use', expiresAt: null }];
  await owner.call('PUT', `/templates/${base.id}/acl`, { items }, { 'If-Match': '"1"' });
  const [ada, bob, dev] = [await employ('ada', ['template-admin']), await employ('bob', ['template-admin']), await employ('dev', [])];
  const boss = new Witness(product.origin, owner.cookie, journal);
  const nobody = new Witness(product.origin, '', journal);
  const steps: Step[] = [
    author(ada, 'ada', roll).step,
    author(bob, 'bob', roll).step,
    inviter(boss).step,
    developer(dev, base.id, roll).step,
    intruder(nobody, dev, 'chaos', roll),
  ];
  let over = false;
  const work = steps.map(async (step) => {
    while (!over) await step();
  });
  for (let round = 0; round < ROUNDS; round++) {
    await trouble(siem, roll);
    await killSomething();
  }
  over = true;
  await Promise.all(work);
}

/** Splunk is mended, and what was wanted has come to be. */
async function settle(): Promise<void> {
  await mend(siem);
  // What an administrator does who has mended Splunk: delivery goes on at once.
  await owner.call('POST', `/siem-destinations/${destinationId}/pause`);
  await owner.call('POST', `/siem-destinations/${destinationId}/resume`);
  await until(async () => (await spaces()).every(({ desired, phase }) => phase === desired || phase === 'failed'), PATIENCE_S);
  await until(async () => (await waitingOutbox(product)).length === 0, PATIENCE_S);
}

/** The ledger without gap or repetition; archive and Splunk the same, in its order, repetitions allowed. */
async function expectOneTrail(events: AuditEvent[]): Promise<void> {
  const ids = events.map(({ id }) => id);
  const status = await owner.call<{ size: number; root: string }>('GET', '/audit/status');
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(new Set(ids).size).toBe(ids.length);
  expect(status.size).toBe(ids.length);
  // The archive's lines make the very tree that the ledger has.
  expect(await readArchive(product, tenantId)).toEqual({ ids, root: status.root });
  const { indexed, violations } = await siem.state();
  const created = events.findIndex(({ action }) => action === 'siem.create');
  expect([...new Set(indexed.map(({ event }) => event.id))]).toEqual(ids.slice(created));
  expect(violations).toEqual([]);
}

/** Each answer has its event, and what failed has none that says it happened. */
function expectNoLie(events: AuditEvent[]): void {
  const lies = journal.attempts.flatMap(({ action, name, answer }) => {
    if (answer === null) return [];
    // What was found because of it has the request's id, too.
    const told = events.filter(({ requestId, action: what }) => requestId === answer.requestId && what !== 'finding.open');
    const due = answer.status < 300 || [401, 403].includes(answer.status);
    const right = due
      ? told.length === 1 && told[0]?.action === action && told[0].resource.name === name && told[0].status === answer.status
      : told.every(({ outcome }) => outcome !== 'success');
    return right ? [] : [{ action, name, answer, told }];
  });
  expect(lies).toEqual([]);
}

const succeeded = (events: AuditEvent[], action: string) =>
  events.filter((event) => event.action === action && event.outcome === 'success');
const namesOf = (events: AuditEvent[], action: string) => succeeded(events, action).map(({ resource }) => resource.name);

/** Templates and invitations are there if, and only if, the log says so; descriptions went as it says. */
async function expectWhatIsTold(events: AuditEvent[]): Promise<void> {
  const templates = await everyItem<{ name: string; description: string }>('/templates?');
  expect(templates.map(({ name }) => name).sort()).toEqual(namesOf(events, 'template.create').sort());
  for (const { name, description } of templates) {
    const story = succeeded(events, 'template.update').filter((event) => event.resource.name === name);
    const said = story.map(({ diff }) => diff.find(({ path }) => path === 'description'));
    expect(said.map((change) => change?.old)).toEqual(['', ...said.map((change) => change?.new)].slice(0, -1));
    expect(said.at(-1)?.new ?? '').toBe(description);
  }
  const revoked = namesOf(events, 'invitation.revoke');
  const invited = namesOf(events, 'invitation.create').filter((email) => email.startsWith('guest-') && !revoked.includes(email));
  expect((await everyItem<{ email: string }>('/invitations?')).map(({ email }) => email).sort()).toEqual(invited.sort());
  expect(namesOf(events, 'user.join')).toHaveLength(3);
}

/** Workspaces: as the tenant wants them, as the runner has them, with every line of every start. */
async function expectWhatRuns(events: AuditEvent[]): Promise<void> {
  const left = await spaces();
  expect(left.filter(({ phase }) => phase === 'failed')).toEqual([]);
  const gone = succeeded(events, 'workspace.deleted').map(({ resource }) => resource.id);
  const made = succeeded(events, 'workspace.create').map(({ resource }) => resource.id);
  expect(left.map(({ id }) => id).sort()).toEqual(made.filter((id) => !gone.includes(id)).sort());
  const running = sandboxes(product.stateDir);
  expect([...running.keys()].sort()).toEqual(
    left
      .filter(({ phase }) => phase === 'running')
      .map(({ id }) => id)
      .sort(),
  );
  expect([...running.values()].filter((namespaces) => namespaces.size !== 1)).toEqual([]);
  const folderOf = (id: string | null) => join(product.stateDir, `runner-${RUNNER}`, 'workspaces', String(id));
  expect(gone.filter((id) => existsSync(folderOf(id)))).toEqual([]);
  for (const { id } of left) {
    const starts = succeeded(events, 'workspace.running').filter(({ resource }) => resource.id === id).length;
    const history = join(folderOf(id), 'home', 'history');
    const lines = existsSync(history) ? readFileSync(history, 'utf8').trimEnd().split('\n') : [];
    expect(lines).toEqual(lines.map((_, index) => `start ${index + 1}`));
    expect(lines.length).toBeGreaterThanOrEqual(starts);
  }
}

test(`killed again and again (seed ${seed}), no committed change, event or file is lost`, async () => {
  await havoc();
  await settle();
  const events = await everyEventDelivered();
  await expectOneTrail(events);
  expectNoLie(events);
  await expectWhatIsTold(events);
  await expectWhatRuns(events);
  const unanswered = journal.attempts.filter(({ answer }) => answer === null).length;
  process.stdout.write(`${ROUNDS} rounds, ${journal.answered} answers, ${unanswered} without one, ${events.length} events\n`);
});
