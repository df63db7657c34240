import { me, sessionList, type Me } from '@gatehouse/core/api/identity.ts';
import type { z } from 'zod';
import { read } from './answer.ts';
import { abortable, api, at } from './client.ts';
import { ApiProblem } from './problem.ts';
import { proofOf } from './proof.ts';

export type Session = z.infer<typeof sessionList>['items'][number];

/** Binds this session to the key of this browser: for ways of signing in that carry no proof. */
export async function bindKey(): Promise<void> {
  await api.me.session.key.$post({}, await proofOf('POST', '/me/session/key'));
}

export async function signOut(): Promise<void> {
  await api.logout.$post();
}

/** Sends the verification mail again. */
export async function sendVerification(): Promise<void> {
  await api.me.verification.$post();
}

/** Who is signed in; null when nobody is. */
export async function current(): Promise<Me | null> {
  try {
    return await read(api.me.$get(), me);
  } catch (thrown) {
    if (thrown instanceof ApiProblem && thrown.code === 'not-signed-in') return null;
    throw thrown;
  }
}

export const sessions = (signal?: AbortSignal) =>
  read(api.me.sessions.$get({ query: {} }, abortable(signal ? { signal } : {})), sessionList);

export async function endSession(id: string): Promise<void> {
  await api.me.sessions[':id'].$delete(at(id));
}

/** Ends every session of the caller, this one too. */
export async function signOutEverywhere(): Promise<void> {
  await api.me.sessions.$delete({ query: {} });
}

/** Ends every session of the caller but this one. */
export async function signOutOthers(): Promise<void> {
  await api.me.sessions.$delete({ query: { keep: 'current' } });
}
