import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { mailedSecret, Person } from './api.ts';
import { enroll } from './local-runner.ts';

/** What the demo's people are told once more at every start. */
export interface Demo {
  password: string;
}

const TENANT = 'acme';
const PEOPLE = { owner: 'owner@acme.test', dev: 'dev@acme.test', security: 'security@acme.test' };

/** a sign-up that was cut short holds its name so long, and then is finished or undone */
const SETTLE_MS = 61_000;

const fileOf = (stateDir: string) => join(stateDir, 'demo.json');

/** The demo that was made whole; null also when a start was cut short while it made it. */
export async function demoOf(stateDir: string): Promise<Demo | null> {
  const demo = await noted(stateDir);
  return demo?.complete ? { password: demo.password } : null;
}

/** From now on it is only started. */
export const completeDemo = (stateDir: string, demo: Demo): Promise<void> => note(stateDir, { ...demo, complete: true });

interface Noted extends Demo {
  complete: boolean;
}

async function noted(stateDir: string): Promise<Noted | null> {
  return existsSync(fileOf(stateDir)) ? (JSON.parse(await readFile(fileOf(stateDir), 'utf8')) as Noted) : null;
}

const note = (stateDir: string, demo: Noted): Promise<void> => writeFile(fileOf(stateDir), JSON.stringify(demo), { mode: 0o600 });

/**
 * Makes the demo tenant through the public API, as its owner would: people, a runner, a template. What an
 * earlier start made before it was cut short stays and is not made again.
 * @param password of all three people; made when left out
 */
export async function makeDemo(options: { root: string; origin: string; stateDir: string; password: string | undefined }): Promise<Demo> {
  const { origin, stateDir } = options;
  const begun = await noted(stateDir);
  const password = begun?.password ?? options.password ?? `gate-${randomBytes(9).toString('base64url')}`;
  await note(stateDir, { password, complete: false });
  const owner = await demoOwner(origin, password, begun !== null);
  await invite(origin, owner, { email: PEOPLE.dev, name: 'Dana Developer', roles: [], password });
  await invite(origin, owner, { email: PEOPLE.security, name: 'Sam Security', roles: ['auditor'], password });
  await enrollLocal(options, owner);
  await makeTemplate(owner);
  return { password };
}

type Items<T> = { items: T[] };

async function demoOwner(origin: string, password: string, begun: boolean): Promise<Person> {
  const owner = new Person(origin);
  const user = { name: 'Olive Owner', email: PEOPLE.owner, password };
  const signUp = () => owner.call('POST', '/signup', { tenant: { name: 'Acme', slug: TENANT }, user });
  const signIn = () => owner.call('POST', '/login', { tenant: TENANT, email: PEOPLE.owner, password });
  const found = () => (begun ? signUp().catch(signIn) : signUp());
  await found().catch(async (error: unknown) => {
    if (!begun) throw error;
    await setTimeout(SETTLE_MS);
    return found();
  });
  const me = await owner.call<{ user: { emailVerified: boolean } }>('GET', '/me');
  if (!me.user.emailVerified) await owner.call('POST', '/verify-email', { token: await mailedSecret(origin, PEOPLE.owner) });
  return owner;
}

async function enrollLocal({ root, origin, stateDir }: { root: string; origin: string; stateDir: string }, owner: Person): Promise<void> {
  const folder = join(stateDir, 'runner');
  const { items } = await owner.call<Items<{ id: string; state: string }>>('GET', '/runners');
  if (items.some(({ state }) => state !== 'unconfirmed')) return;
  for (const { id } of items) await owner.call('DELETE', `/runners/${id}`);
  await rm(folder, { recursive: true, force: true });
  await enroll({ root, origin, owner, stateDir: folder, name: 'local' });
}

async function makeTemplate(owner: Person): Promise<void> {
  const { items } = await owner.call<Items<{ id: string }>>('GET', '/templates');
  const isolates = existsSync('/usr/bin/bwrap');
  // Without bubblewrap nothing limits where a workspace connects to, and the demo would be refused rather than run.
  if (!isolates) await openEgress(owner);
  const spec = { startupScript: WELCOME, driver: isolates ? 'bubblewrap' : 'process' };
  const description = 'An empty home with a shell, git and whatever this machine has';
  const made =
    items[0] ?? (await owner.call<{ id: string }>('POST', '/templates', { name: 'playground', description, icon: 'terminal', spec }));
  const path = `/templates/${made.id}/acl`;
  if ((await owner.call<Items<unknown>>('GET', path)).items.length > 0) return;
  const acl = { items: [{ subject: { type: 'everyone' }, role: 'use', expiresAt: null }] };
  await owner.call('PUT', path, acl, { 'If-Match': '"1"' });
}

async function openEgress(owner: Person): Promise<void> {
  const { levels } = await owner.call<{ levels: { tenant: object } }>('GET', '/tenant/policy');
  if (Object.keys(levels.tenant).length === 0)
    await owner.call('PUT', '/tenant/policy', { values: { egress: 'open' } }, { 'If-Match': '"0"' });
}

/** The developer's first workspace. */
export async function makeDemoWorkspace(dev: Person): Promise<void> {
  if ((await dev.call<Items<unknown>>('GET', '/workspaces')).items.length > 0) return;
  const { items } = await dev.call<Items<{ id: string }>>('GET', '/templates');
  await dev.call('POST', '/workspaces', { templateId: items[0]?.id, name: 'first-steps' });
}

export async function signIn(origin: string, who: keyof typeof PEOPLE, demo: Demo): Promise<Person> {
  const person = new Person(origin);
  await person.call('POST', '/login', { tenant: TENANT, email: PEOPLE[who], password: demo.password });
  return person;
}

async function invite(
  origin: string,
  owner: Person,
  who: { email: string; name: string; roles: string[]; password: string },
): Promise<void> {
  const users = await owner.call<Items<{ email: string }>>('GET', '/users');
  if (users.items.some(({ email }) => email === who.email)) return;
  const open = await owner.call<Items<{ id: string; email: string }>>('GET', '/invitations');
  for (const { id, email } of open.items) if (email === who.email) await owner.call('DELETE', `/invitations/${id}`);
  const { link } = await owner.call<{ link: string }>('POST', '/invitations', { email: who.email, roles: who.roles });
  await new Person(origin).call('POST', '/invitations/accept', { token: link.split('#')[1], name: who.name, password: who.password });
}

const WELCOME = `if [ ! -e README.md ]; then
  cat > README.md <<'END'
# Your first workspace

This folder is yours and stays when the workspace stops. Open a terminal below and try:

    git init hello && cd hello
    python3 -m http.server

Everything here runs on your organisation's own machine; the browser only shows it.
END
fi
`;
