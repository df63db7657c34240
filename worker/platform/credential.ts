import { crc32 } from 'node:zlib';
import { z } from 'zod';
import type { Services } from './context.ts';
import { base64url, hashSecret } from './encoding.ts';
import type { TenantDb } from './tenant-db.ts';

/**
 * Every credential carries its shard and tenant in clear, so that no directory trip is needed to find
 * its hash: `<prefix><shard>.<tenant>.<256 random bits>`. An API token, which people paste into files, ends
 * with the CRC-32 of all that stands before it, so that scanners for secrets know a true one by its looks.
 */
export const CREDENTIALS = {
  session: 'ghc_',
  runner: 'ghr_',
  invitation: 'ghi_',
  verification: 'ghv_',
  enrollment: 'ghe_',
  ticket: 'ght_',
  token: 'gh_',
  secondFactor: 'ghf_',
  passwordReset: 'ghw_',
  scim: 'ghp_',
  ssoFlow: 'ghl_',
  appCode: 'gho_',
  app: 'gha_',
} as const;
export type CredentialKind = keyof typeof CREDENTIALS;

const shape = z.string().regex(/^(s\d{1,4})\.(tnt_[0-7][0-9a-hjkmnp-tv-z]{25})\.([A-Za-z0-9_-]{43})$/);

export interface ParsedCredential {
  shard: string;
  tenantId: string;
  hash: string;
}

export async function mintCredential(
  kind: CredentialKind,
  where: { shard: string; tenantId: string },
  random: (bytes: number) => Uint8Array,
): Promise<{ text: string; hash: string }> {
  const secret = `${CREDENTIALS[kind]}${where.shard}.${where.tenantId}.${base64url(random(32))}`;
  const text = kind === 'token' ? secret + checksum(secret) : secret;
  return { text, hash: await hashSecret(text) };
}

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, '0');
const CHECKSUM = /[0-9a-f]{8}$/;

/** What stands before the checksum; null where that is missing or wrong, as in a token that was cut or mistyped. */
function unsealed(kind: CredentialKind, text: string): string | null {
  if (kind !== 'token') return text;
  const secret = text.replace(CHECKSUM, '');
  return secret !== text && text === secret + checksum(secret) ? secret : null;
}

/** null for anything that is not a credential of this kind. */
export async function parseCredential(kind: CredentialKind, text: string): Promise<ParsedCredential | null> {
  const prefix = CREDENTIALS[kind];
  const secret = unsealed(kind, text);
  if (!secret?.startsWith(prefix)) return null;
  const parsed = shape.safeParse(secret.slice(prefix.length));
  const [shard, tenantId] = parsed.success ? parsed.data.split('.') : [];
  if (shard === undefined || tenantId === undefined) return null;
  return { shard, tenantId, hash: await hashSecret(text) };
}

/** Where a credential's row must lie if it is true; null for what is none of this deployment's. */
export async function locateCredential(
  services: Pick<Services, 'shards' | 'tenantDb'>,
  kind: CredentialKind,
  text: string,
): Promise<{ db: TenantDb; hash: string } | null> {
  const credential = await parseCredential(kind, text);
  if (!credential || !services.shards.has(credential.shard)) return null;
  return { db: services.tenantDb(credential.shard, credential.tenantId), hash: credential.hash };
}
