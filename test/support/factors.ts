import { Secret, TOTP } from 'otpauth';
import { vi } from 'vitest';
import { passkeyAdded, registrationOptions, totpConfirmed, totpStarted } from '@gatehouse/core/api/factors.ts';
import { statement } from '../../worker/platform/tenant-db.ts';
import { Authenticator } from './authenticator.ts';
import { api, call, mailTo, read, services, type Answer, type Person, type Tenant } from './tenants.ts';

/** An authenticator app that has this secret. @param shift codes before (-1) or after (1) the present one */
export const codeOf = (secret: string, shift = 0): string =>
  new TOTP({ secret: Secret.fromBase32(secret), digits: 6, period: 30 }).generate({ timestamp: Date.now() + shift * 30_000 });

/** Sets up an app through the API, as if some time ago: no code of now is used up. */
export async function addApp(person: Pick<Person, 'cookie'>): Promise<{ secret: string; recoveryCodes: string[] }> {
  const { secret } = read(await api(person).post('/me/totp'), totpStarted);
  const { recoveryCodes } = read(await api(person).post('/me/totp/confirm', { code: codeOf(secret) }), totpConfirmed);
  const tenantId = person.cookie.split('.')[1] ?? '';
  const unused = statement('UPDATE totp_secrets SET last_step = 0 WHERE tenant_id = ?', tenantId);
  await services().tenantDb('s0', tenantId).batch([unused]);
  return { secret, recoveryCodes: recoveryCodes ?? [] };
}

/** Registers a passkey through the API. */
export async function addPasskey(
  person: Pick<Person, 'cookie'>,
  options: { synced?: boolean; name?: string } = {},
): Promise<{ authenticator: Authenticator; id: string; recoveryCodes: string[] | null }> {
  const authenticator = await Authenticator.make(options);
  const asked = read(await api(person).post('/me/passkeys/options'), registrationOptions);
  const credential = await authenticator.register(asked);
  const answer = await api(person).post('/me/passkeys', { name: options.name ?? 'Laptop', credential });
  const { passkey, recoveryCodes } = read(answer, passkeyAdded);
  return { authenticator, id: passkey.id, recoveryCodes };
}

export const logIn = (tenant: Tenant, { email, password }: Person, headers: Record<string, string> = {}): Promise<Answer> =>
  call('POST', '/login', { body: { tenant: tenant.slug, email, password }, headers });

/** As if the session's person had proved who they are so many minutes ago. */
export const confirmedAgo = (tenant: Tenant, sessionId: string, minutes: number) =>
  tenant.db.batch([
    statement(
      'UPDATE sessions SET authenticated_at = ? WHERE tenant_id = ? AND id = ?',
      ...[new Date(Date.now() - minutes * 60_000).toISOString(), tenant.id, sessionId],
    ),
  ]);

/** The rule of the organisation, without the ways there. */
export const requireTwoFactors = (tenant: Tenant) =>
  tenant.db.batch([statement('UPDATE tenants SET two_factors_required = 1 WHERE tenant_id = ?', tenant.id)]);

/** The newest mail to that address, once it says so: mails are sent behind the answer. */
export const mailSaying = (address: string, words: RegExp): Promise<string> =>
  vi.waitFor(
    async () => {
      const text = (await mailTo(address))?.text ?? '';
      if (!words.test(text)) throw new Error(`The newest mail to ${address} is another: ${text}`);
      return text;
    },
    { timeout: 15_000, interval: 50 },
  );
