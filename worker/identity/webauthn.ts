import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type VerifiedAuthenticationResponse,
  type VerifiedRegistrationResponse,
} from '@simplewebauthn/server';
import type { z } from 'zod';
import { assertionOptions, registrationOptions, type Assertion, type Registration } from '@gatehouse/core/api/factors.ts';
import type { Services, SessionContext } from '../platform/context.ts';
import { base64url, fromBase64url, hashSecret } from '../platform/encoding.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { deleteChallenge, insertChallenge, type Ceremony, type PasskeyRow } from './passkeys.store.ts';

/** A person has so long to touch their authenticator. */
const LIFETIME_SECONDS = 300;

/** Passkeys are bound to our host by the authenticator itself: another site can't ask for them. */
const rpOf = ({ settings }: Pick<Services, 'settings'>) => ({ id: new URL(settings.ORIGIN).hostname, origin: settings.ORIGIN });

/**
 * What an authenticator keeps beside a passkey and gives back at sign-in: whose it is and in which shard, so that
 * nobody has to type their organisation. The prefixes of the ids are left out: it holds 64 bytes at most.
 */
export const userHandleOf = (db: TenantDb, userId: string): string =>
  `${db.shard}.${db.tenantId.slice('tnt_'.length)}.${userId.slice('usr_'.length)}`;

const HANDLE = /^(s\d{1,4})\.([0-7][0-9a-hjkmnp-tv-z]{25})\.([0-7][0-9a-hjkmnp-tv-z]{25})$/;

/** null for what is no handle of ours. @param handle base64url */
export function parseUserHandle(handle: string): { shard: string; tenantId: string; userId: string } | null {
  const [, shard, tenant, user] = HANDLE.exec(textOf(handle) ?? '') ?? [];
  return shard && tenant && user ? { shard, tenantId: `tnt_${tenant}`, userId: `usr_${user}` } : null;
}

function textOf(encoded: string): string | null {
  try {
    return new TextDecoder().decode(fromBase64url(encoded));
  } catch {
    return null;
  }
}

/** @param sessionId '' before sign-in */
async function newChallenge(
  services: Pick<Services, 'random' | 'now'>,
  db: TenantDb,
  ceremony: Ceremony,
  sessionId: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const challenge = new Uint8Array(services.random(32));
  const expiresAt = new Date(services.now().getTime() + LIFETIME_SECONDS * 1000).toISOString();
  const hash = await hashSecret(base64url(challenge));
  await db.batch([insertChallenge(db, { hash, ceremony, sessionId, expiresAt })]);
  return challenge;
}

/** The challenge that was signed, burnt whatever comes of it; null when it is not one that we gave for this. */
export async function takeChallenge(
  services: Pick<Services, 'now'>,
  db: TenantDb,
  ceremony: Ceremony,
  sessionId: string,
  clientDataJSON: string,
): Promise<string | null> {
  const challenge = challengeIn(clientDataJSON);
  if (challenge === null) return null;
  const row = { hash: await hashSecret(challenge), ceremony, sessionId };
  const [burnt] = await db.batch([deleteChallenge(db, row, services.now().toISOString())]);
  return burnt?.changes === 1 ? challenge : null;
}

function challengeIn(clientDataJSON: string): string | null {
  try {
    const { challenge } = JSON.parse(textOf(clientDataJSON) ?? '') as { challenge?: unknown };
    return typeof challenge === 'string' ? challenge : null;
  } catch {
    return null;
  }
}

export async function optionsToAdd(ctx: SessionContext, held: PasskeyRow[]): Promise<z.infer<typeof registrationOptions>> {
  const options = await generateRegistrationOptions({
    rpName: 'Gatehouse',
    rpID: rpOf(ctx).id,
    userID: new Uint8Array(new TextEncoder().encode(userHandleOf(ctx.db, ctx.actor.id))),
    userName: `${ctx.actor.email} (${ctx.tenant.name})`,
    userDisplayName: ctx.actor.name,
    challenge: await newChallenge(ctx, ctx.db, 'add', ctx.actor.sessionId),
    timeout: LIFETIME_SECONDS * 1000,
    attestationType: 'none',
    excludeCredentials: held.map(({ credential_id }) => ({ id: credential_id })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  });
  return registrationOptions.parse(options);
}

/** @param db where the challenge lies. @param allowed empty: whichever passkey the person chooses */
export async function optionsToAssert(
  services: Services,
  db: TenantDb,
  ceremony: Ceremony,
  sessionId: string,
  allowed: PasskeyRow[] = [],
): Promise<z.infer<typeof assertionOptions>> {
  const options = await generateAuthenticationOptions({
    rpID: rpOf(services).id,
    challenge: await newChallenge(services, db, ceremony, sessionId),
    timeout: LIFETIME_SECONDS * 1000,
    allowCredentials: allowed.map(({ credential_id }) => ({ id: credential_id })),
    userVerification: 'required',
  });
  return assertionOptions.parse(options);
}

type Registered = Pick<
  NonNullable<VerifiedRegistrationResponse['registrationInfo']>,
  'credential' | 'credentialDeviceType' | 'credentialBackedUp'
>;
type Asserted = Pick<VerifiedAuthenticationResponse['authenticationInfo'], 'newCounter' | 'credentialBackedUp'>;

/** null when it is not the answer to that challenge, on our page, with the person verified. */
export async function verifiedRegistration(
  services: Pick<Services, 'settings'>,
  response: Registration,
  challenge: string,
): Promise<Registered | null> {
  const { id, origin } = rpOf(services);
  try {
    const { registrationInfo } = await verifyRegistrationResponse({
      response: response as Parameters<typeof verifyRegistrationResponse>[0]['response'],
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: id,
      requireUserVerification: true,
    });
    return registrationInfo ?? null;
  } catch {
    return null;
  }
}

/** null when it is not that passkey's answer to that challenge, on our page, with the person verified. */
export async function verifiedAssertion(
  services: Pick<Services, 'settings'>,
  response: Assertion,
  challenge: string,
  passkey: PasskeyRow,
): Promise<Asserted | null> {
  const { id, origin } = rpOf(services);
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: response as Parameters<typeof verifyAuthenticationResponse>[0]['response'],
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: id,
      requireUserVerification: true,
      credential: { id: passkey.credential_id, publicKey: fromBase64url(passkey.public_key), counter: passkey.counter },
    });
    return verified ? authenticationInfo : null;
  } catch {
    return null;
  }
}
