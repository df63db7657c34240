import { timingSafeEqual } from 'node:crypto';
import type { Services } from '../platform/context.ts';
import { base64url, fromBase64url } from '../platform/encoding.ts';

type Hashing = Pick<Services, 'hashing' | 'random' | 'settings'>;

/** Scheme and parameters stand with each hash, so that both can change: the next sign-in renews it. */
const currentOf = ({ settings }: Hashing) => ({ ln: settings.PASSWORD_COST, r: 8, p: 3 });
const prefixOf = ({ ln, r, p }: ReturnType<typeof currentOf>) => `$scrypt$ln=${ln},r=${r},p=${p}$`;
const SHAPE = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9_-]{22})\$([A-Za-z0-9_-]{43})$/;

/** Stands in for the hash of somebody who does not exist: checking it costs the same and never succeeds. */
const NOBODY = `${'A'.repeat(22)}$${'A'.repeat(43)}`;

/** @returns `$scrypt$ln=15,r=8,p=3$salt$key`, salt and key in base64url */
export async function hashPassword(services: Hashing, shard: string, password: string): Promise<string> {
  const salt = services.random(16);
  const current = currentOf(services);
  const key = await services.hashing.derive(shard, { password: password.normalize('NFKC'), salt, ...current });
  return `${prefixOf(current)}${base64url(salt)}$${base64url(key)}`;
}

/**
 * Always costs one hash, also where there is nobody to check.
 * @returns `outdated`: it matches, but was made with other parameters than today's
 */
export async function checkPassword(
  services: Hashing,
  shard: string,
  password: string,
  stored: string | null,
): Promise<{ matches: boolean; outdated: boolean }> {
  const prefix = prefixOf(currentOf(services));
  const match = SHAPE.exec(stored ?? '');
  const [ln, r, p, salt, key] = (match ?? SHAPE.exec(prefix + NOBODY))?.slice(1) as [string, string, string, string, string];
  const derived = await services.hashing.derive(shard, {
    password: password.normalize('NFKC'),
    salt: fromBase64url(salt),
    ln: Number(ln),
    r: Number(r),
    p: Number(p),
  });
  const matches = timingSafeEqual(derived, fromBase64url(key)) && stored !== null && match !== null;
  return { matches, outdated: matches && !stored.startsWith(prefix) };
}
