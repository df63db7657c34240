import { done } from '@gatehouse/core/api/common.ts';
import { me, sessionList, type login, type Me, type signUp } from '@gatehouse/core/api/identity.ts';
import type { z } from 'zod';
import { ApiProblem } from './problem.ts';
import { request, send } from './request.ts';

export type Session = z.infer<typeof sessionList>['items'][number];

export const register = (body: z.input<typeof signUp>) => request('POST', '/signup', me, { body });
export const signIn = (body: z.input<typeof login>) => request('POST', '/login', me, { body });
export const verifyEmail = (token: string) => request('POST', '/verify-email', done, { body: { token } });

export async function signOut(): Promise<void> {
  await send('POST', '/logout');
}

/** Sends the verification mail again. */
export async function sendVerification(): Promise<void> {
  await send('POST', '/me/verification');
}

/** Who is signed in; null when nobody is. */
export async function current(): Promise<Me | null> {
  try {
    return await request('GET', '/me', me);
  } catch (thrown) {
    if (thrown instanceof ApiProblem && thrown.code === 'not-signed-in') return null;
    throw thrown;
  }
}

export const sessions = (signal?: AbortSignal) => request('GET', '/me/sessions', sessionList, signal ? { signal } : {});

export async function endSession(id: string): Promise<void> {
  await send('DELETE', `/me/sessions/${id}`);
}

/** Ends every session of the caller, this one too. */
export async function signOutEverywhere(): Promise<void> {
  await send('DELETE', '/me/sessions');
}
