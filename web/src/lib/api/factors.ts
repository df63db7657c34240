import { done } from '@gatehouse/core/api/common.ts';
import * as shapes from '@gatehouse/core/api/factors.ts';
import { me, type Me } from '@gatehouse/core/api/identity.ts';
import type { z } from 'zod';
import { read } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';
import { proofOf } from './proof.ts';

export type { Factors, Passkey, SecondFactor } from '@gatehouse/core/api/factors.ts';

export const list = (call: Call = {}) => read(api.me.factors.$get({}, abortable(call)), shapes.factors);

export const passkeySignInOptions = () => read(api.login.passkey.options.$post(), shapes.assertionOptions);
export const signInByPasskey = async (credential: shapes.Assertion): Promise<Me> =>
  read(api.login.passkey.$post({ json: { credential } }, await proofOf('POST', '/login/passkey')), me);
export const signInByTotp = async (json: z.input<typeof shapes.loginTotp>): Promise<Me> =>
  read(api.login.totp.$post({ json }, await proofOf('POST', '/login/totp')), me);
export const signInByRecoveryCode = async (json: z.input<typeof shapes.loginRecoveryCode>): Promise<Me> =>
  read(api.login['recovery-code'].$post({ json }, await proofOf('POST', '/login/recovery-code')), me);

export const confirmByPassword = (json: z.input<typeof shapes.stepUpPassword>) =>
  read(api.me['step-up'].password.$post({ json }), shapes.steppedUp);
export const confirmOptions = () => read(api.me['step-up'].passkey.options.$post(), shapes.assertionOptions);
export const confirmByPasskey = (credential: shapes.Assertion) =>
  read(api.me['step-up'].passkey.$post({ json: { credential } }), shapes.steppedUp);

export const passkeyOptions = () => read(api.me.passkeys.options.$post(), shapes.registrationOptions);
export const addPasskey = (json: z.input<typeof shapes.passkeyAdd>) => read(api.me.passkeys.$post({ json }), shapes.passkeyAdded);
export const renamePasskey = (id: string, name: string) =>
  read(api.me.passkeys[':id'].$patch({ ...at(id), json: { name } }), shapes.passkey);
export async function removePasskey(id: string): Promise<void> {
  await api.me.passkeys[':id'].$delete(at(id));
}

export const beginTotp = () => read(api.me.totp.$post(), shapes.totpStarted);
export const confirmTotp = (code: string) => read(api.me.totp.confirm.$post({ json: { code } }), shapes.totpConfirmed);
export async function removeTotp(): Promise<void> {
  await api.me.totp.$delete();
}
export const newRecoveryCodes = () => read(api.me['recovery-codes'].$post(), shapes.recoveryCodes);

export async function changePassword(json: z.input<typeof shapes.passwordChange>): Promise<void> {
  await api.me.password.$post({ json });
}
export const requestReset = (json: z.input<typeof shapes.passwordResetRequest>) => read(api['password-resets'].$post({ json }), done);
export const redeemReset = (json: z.input<typeof shapes.passwordReset>) => read(api['password-resets'].redeem.$post({ json }), done);

/** Removes all second factors of somebody who has lost them, and ends their sessions. */
export async function resetFactorsOf(userId: string): Promise<void> {
  await api.users[':id'].factors.$delete(at(userId));
}
