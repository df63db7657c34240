import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Person } from '../../../scripts/api.ts';
import { freePort, ROOT } from '../../support/place.ts';
import { endOf, startListening } from '../local-server.ts';
import { shuffled } from '../measure.ts';
import { ACCOUNT } from '../product.ts';
import type { Rows } from '../turns.ts';
import { spentOf, type Spent } from './spent.ts';
import { CLIENT_SECRET, startTimedProvider, type TimedProvider } from './timed-provider.ts';

/** Somebody who signs in, as the provider knows them. */
export interface Subject {
  sub: string;
  email: string;
  name: string;
}

type Back = Record<string, string>;

/** One browser that signs in once. */
interface Visit {
  begin(): Promise<{ url: string; spent: Spent | null }>;
  finish(back: Back): Promise<{ spent: Spent | null }>;
}

interface RelyingParty {
  name: string;
  clientId: string;
  redirectUri: string;
  /** what a browser has before it comes is made here */
  visit(): Promise<Visit>;
  stop(): Promise<void>;
}

/**
 * What we add to a sign-in through a provider: everything between the button and the session without what the provider itself takes;
 * beside a relying party that does nothing but what the protocol asks.
 * @param subjects people of the organisation, whom the directory has provisioned and who have not signed in yet
 */
export async function measureLogin(
  place: { owner: Person; origin: string; providerId: string },
  rows: Rows,
  subjects: readonly Subject[],
): Promise<void> {
  const provider = await startTimedProvider();
  const parties: RelyingParty[] = [];
  try {
    parties.push(await ours(place, provider), await bare(provider));
    for (const kind of ['first sign-in', 'sign-in'])
      for (const subject of subjects) for (const party of shuffled(parties)) await signIn(provider, party, subject, rows, kind);
  } finally {
    for (const party of parties) await party.stop();
    await provider.close();
  }
}

async function signIn(provider: TimedProvider, party: RelyingParty, subject: Subject, rows: Rows, kind: string): Promise<void> {
  const add = rows.of(party.name);
  await provider.letIn(party.clientId, party.redirectUri, subject);
  const visit = await party.visit();
  const begun = await provider.apart(() => visit.begin());
  const there = await provider.apart(() => throughProvider(begun.answer.url, party.redirectUri));
  const finished = await provider.apart(() => visit.finish(there.answer));
  add(`${kind}: time of our own`, 'ms', begun.ours + finished.ours);
  add(`${kind}: begin`, 'ms', begun.ours);
  add(`${kind}: callback`, 'ms', finished.ours);
  add(`${kind}: within the provider`, 'ms', begun.theirs + there.theirs + finished.theirs);
  for (const [step, { spent }] of [['begin', begun.answer] as const, ['callback', finished.answer] as const]) {
    if (spent === null) continue;
    add(`${kind}: ${step}: trips to D1`, 'trips', spent.trips);
    add(`${kind}: ${step}: rows read`, 'rows', spent.rowsRead);
  }
}

/** What a browser does that nobody asks anything. @returns what the provider gave it to bring back */
async function throughProvider(url: string, redirectUri: string): Promise<Back> {
  const cookies = new Map<string, string>();
  let next = url;
  for (let hops = 0; hops < 10; hops++) {
    if (next.startsWith(redirectUri)) return Object.fromEntries(new URL(next).searchParams);
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
    const answer = await fetch(next, { redirect: 'manual', headers: { Cookie: cookie } });
    const text = await answer.text();
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const location = answer.headers.get('Location');
    if (location === null) throw new Error(`The provider answered ${answer.status}: ${text.slice(0, 300)}`);
    next = new URL(location, next).href;
  }
  throw new Error('The provider never came to an end');
}

async function ours(
  { owner, origin, providerId }: { owner: Person; origin: string; providerId: string },
  provider: TimedProvider,
): Promise<RelyingParty> {
  const clientId = 'gatehouse';
  const redirectUri = `${origin}/sso/callback`;
  await provider.letIn(clientId, redirectUri, { sub: 'nobody', email: 'nobody@bench.test', name: 'Nobody' });
  const path = `/identity-providers/${providerId}/oidc`;
  const revision = async () => ({ 'If-Match': (await owner.ask('GET', path)).headers.get('ETag') ?? '' });
  const set = { issuer: provider.url, clientId, authentication: 'secret', secret: CLIENT_SECRET };
  await owner.call('PUT', path, set, await revision());
  await owner.call('POST', `${path}/discover`);
  await owner.call('POST', `${path}/state`, { state: 'on' }, await revision());
  const begin = { tenant: ACCOUNT.tenant, provider: providerId, returnTo: '/' };
  return {
    ...{ name: 'gatehouse', clientId, redirectUri },
    visit: async () => {
      const person = new Person(origin);
      await person.key;
      let cookie = '';
      return {
        begin: async () => {
          const answer = await person.ask('POST', '/login/sso/start', begin);
          cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
          return { ...(await readWell<{ url: string }>(answer)), spent: spentOf(answer.headers) };
        },
        finish: async (back) => {
          const answer = await person.ask('POST', '/login/sso', back, { Cookie: cookie });
          await readWell(answer);
          if (person.cookie === '') throw new Error('The sign-in gave no session');
          return { spent: spentOf(answer.headers) };
        },
      };
    },
    stop: async () => undefined,
  };
}

async function bare(provider: TimedProvider): Promise<RelyingParty> {
  const [clientId, port] = ['bare', await freePort()];
  const redirectUri = `http://localhost:${port}/sso/callback`;
  const script = join(ROOT, 'test/bench/identity/bare-relying-party.mjs');
  const party = spawn(process.execPath, [script, String(port), provider.url, clientId, CLIENT_SECRET], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const stop = () => endOf(party);
  await startListening('the bare relying party', port, stop);
  const post = async <T>(path: string, body: object) =>
    readWell<T>(await fetch(`http://localhost:${port}${path}`, { method: 'POST', body: JSON.stringify(body) }));
  return {
    ...{ name: 'bare', clientId, redirectUri, stop },
    visit: async () => ({
      begin: async () => ({ ...(await post<{ url: string }>('/start', {})), spent: null }),
      finish: async (back) => {
        await post('/finish', back);
        return { spent: null };
      },
    }),
  };
}

async function readWell<T>(answer: Response): Promise<T> {
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.url}: ${answer.status} ${text.slice(0, 300)}`);
  return JSON.parse(text) as T;
}
