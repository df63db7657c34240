import { done } from '@gatehouse/core/api/common.ts';
import { secondFactor, type SecondFactor } from '@gatehouse/core/api/factors.ts';
import { me, type login, type Me, type signUp } from '@gatehouse/core/api/identity.ts';
import type { z } from 'zod';
import { read } from './answer.ts';
import { api } from './client.ts';
import { proofOf } from './proof.ts';

export const register = async (json: z.input<typeof signUp>) => read(api.signup.$post({ json }, await proofOf('POST', '/signup')), me);
/** Signed in, or what is owed beside the password. */
export const signIn = async (json: z.input<typeof login>): Promise<Me | SecondFactor> =>
  read(api.login.$post({ json }, await proofOf('POST', '/login')), me.or(secondFactor));
export const verifyEmail = (token: string) => read(api['verify-email'].$post({ json: { token } }), done);
