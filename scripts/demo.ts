import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mailedSecret, Person } from './api.ts';
import { enroll } from './local-runner.ts';

/** What the demo's people are told once more at every start. */
export interface Demo {
  password: string;
}

const TENANT = 'acme';
const PEOPLE = { owner: 'owner@acme.test', dev: 'dev@acme.test', security: 'security@acme.test' };

const fileOf = (stateDir: string) => join(stateDir, 'demo.json');

export async function demoOf(stateDir: string): Promise<Demo | null> {
  return existsSync(fileOf(stateDir)) ? (JSON.parse(await readFile(fileOf(stateDir), 'utf8')) as Demo) : null;
}

/**
 * Makes the demo tenant through the public API, as its owner would: people, a runner, a template.
 * @param password of all three people; made when left out
 */
export async function makeDemo(options: { root: string; origin: string; stateDir: string; password: string | undefined }): Promise<Demo> {
  const { root, origin, stateDir } = options;
  const password = options.password ?? `gate-${randomBytes(9).toString('base64url')}`;
  const owner = new Person(origin);
  await owner.call('POST', '/signup', {
    tenant: { name: 'Acme', slug: TENANT },
    user: { name: 'Olive Owner', email: PEOPLE.owner, password },
  });
  await owner.call('POST', '/verify-email', { token: await mailedSecret(origin, PEOPLE.owner) });
  await invite(origin, owner, { email: PEOPLE.dev, name: 'Dana Developer', roles: [], password });
  await invite(origin, owner, { email: PEOPLE.security, name: 'Sam Security', roles: ['auditor'], password });
  await enroll({ root, origin, owner, stateDir: join(stateDir, 'runner'), name: 'local' });
  const template = await owner.call<{ id: string }>('POST', '/templates', {
    name: 'playground',
    description: 'An empty home with a shell, git and whatever this machine has',
    icon: 'terminal',
    spec: { startupScript: WELCOME, driver: existsSync('/usr/bin/bwrap') ? 'bubblewrap' : 'process' },
  });
  await owner.call(
    'PUT',
    `/templates/${template.id}/acl`,
    { items: [{ subject: { type: 'everyone' }, role: 'use', expiresAt: null }] },
    { 'If-Match': '"1"' },
  );
  await writeFile(fileOf(stateDir), JSON.stringify({ password }), { mode: 0o600 });
  return { password };
}

/** The developer's first workspace, once the runner is there. */
export async function makeDemoWorkspace(origin: string, demo: Demo): Promise<void> {
  const dev = new Person(origin);
  await dev.call('POST', '/login', { tenant: TENANT, email: PEOPLE.dev, password: demo.password });
  const { items } = await dev.call<{ items: Array<{ id: string }> }>('GET', '/templates');
  await dev.call('POST', '/workspaces', { templateId: items[0]?.id, name: 'first-steps' });
}

async function invite(
  origin: string,
  owner: Person,
  who: { email: string; name: string; roles: string[]; password: string },
): Promise<void> {
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
