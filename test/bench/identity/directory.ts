import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Person } from '../../../scripts/api.ts';
import { freePort, ROOT } from '../../support/place.ts';
import { endOf, startListening } from '../local-server.ts';
import { spentOf, type Spent } from './spent.ts';

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';

export interface Answered<T> {
  body: T;
  /** null: the system has no D1 */
  spent: Spent | null;
}
export interface Resource {
  id: string;
  members?: Array<{ value: string }>;
}

export interface DirectoryPerson {
  userName: string;
  name: string;
  externalId: string;
}

/** A service that speaks SCIM, called as a directory does. */
export class Directory {
  readonly #base: string;
  readonly #headers: Record<string, string>;

  constructor(base: string, token: string) {
    this.#base = base;
    this.#headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/scim+json' };
  }

  createUser = ({ userName, name, externalId }: DirectoryPerson): Promise<Answered<Resource>> =>
    this.#ask('POST', '/Users', {
      ...{ schemas: [USER], userName, displayName: name, externalId, active: true, emails: [{ value: userName, primary: true }] },
    });

  /** What a directory asks before it makes somebody. */
  findUser = (userName: string): Promise<Answered<{ totalResults: number }>> =>
    this.#ask('GET', `/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}`);

  usersFrom = (startIndex: number, count: number): Promise<Answered<{ Resources: Resource[] }>> =>
    this.#ask('GET', `/Users?startIndex=${startIndex}&count=${count}`);

  createGroup = (displayName: string): Promise<Answered<Resource>> => this.#ask('POST', '/Groups', { schemas: [GROUP], displayName });

  group = (id: string): Promise<Answered<Resource>> => this.#ask('GET', `/Groups/${id}`);

  add = (id: string, members: readonly string[]): Promise<Answered<unknown>> =>
    this.#patch(id, { op: 'Add', path: 'members', value: members.map((value) => ({ value })) });

  remove = (id: string, member: string): Promise<Answered<unknown>> =>
    this.#patch(id, { op: 'Remove', path: `members[value eq "${member}"]` });

  #patch(id: string, operation: object): Promise<Answered<unknown>> {
    return this.#ask('PATCH', `/Groups/${id}`, { schemas: [PATCH], Operations: [operation] });
  }

  /** @throws Error for what is not answered well */
  async #ask<T>(method: string, path: string, body?: object): Promise<Answered<T>> {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(`${this.#base}${path}`, { method, headers: this.#headers, ...sent });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
    return { body: (text === '' ? null : JSON.parse(text)) as T, spent: spentOf(answer.headers) };
  }
}

/** An identity provider of the organisation, with a token to provision by. */
export async function addProvider(owner: Person, origin: string, name: string): Promise<{ id: string; directory: Directory }> {
  const { id } = await owner.call<{ id: string }>('POST', '/identity-providers', { name, preset: 'other' });
  const { secret } = await owner.call<{ secret: string }>('POST', `/identity-providers/${id}/scim-tokens`, {});
  return { id, directory: new Directory(`${origin}/scim/v2`, secret) };
}

/** @param folder of the package scimmy-routers */
export async function startScimmy(folder: string): Promise<{ directory: Directory; stop(): Promise<void> }> {
  const port = await freePort();
  const server = spawn(process.execPath, [join(ROOT, 'test/bench/identity/scimmy-server.mjs'), join(folder, '../..'), String(port)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const stop = () => endOf(server);
  await startListening('scimmy-routers', port, stop);
  return { directory: new Directory(`http://127.0.0.1:${port}/scim/v2`, 'bench'), stop };
}
