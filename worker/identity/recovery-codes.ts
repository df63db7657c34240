import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard } from '../platform/commit.ts';
import type { Services, UserContext } from '../platform/context.ts';
import { hashSecret } from '../platform/encoding.ts';
import { requireFresh } from '../platform/fresh.ts';
import type { Statement, TenantDb } from '../platform/tenant-db.ts';
import { tellOfChange } from './notices.ts';
import { deleteRecoveryCodes, insertRecoveryCodes, recoveryCodesLeft, renewRecoveryCodes } from './recovery-codes.store.ts';

const COUNT = 10;
const LETTERS = '0123456789abcdefghjkmnpqrstvwxyz';
const LENGTH = 24;

/** 120 random bits, so that a plain hash keeps it; in groups of four, for people. */
function newCode(random: Services['random']): string {
  const letters = [...random(LENGTH)].map((byte) => LETTERS[byte % LETTERS.length] ?? '');
  return letters.join('').replace(/(.{4})(?!$)/g, '$1-');
}

/** @param code without its hyphens */
export const recoveryCodeHash = (db: TenantDb, userId: string, code: string): Promise<string> =>
  hashSecret(`recovery code ${db.tenantId} ${userId} ${code}`);

async function newCodes(services: Pick<Services, 'random'>, db: TenantDb, userId: string): Promise<{ codes: string[]; hashes: string[] }> {
  const codes = Array.from({ length: COUNT }, () => newCode(services.random));
  return { codes, hashes: await Promise.all(codes.map((code) => recoveryCodeHash(db, userId, code.replaceAll('-', '')))) };
}

/** Goes with somebody's first second factor. @returns `codes` null where they have some already */
export async function firstRecoveryCodes(ctx: UserContext): Promise<{ codes: string[] | null; rows: Statement[] }> {
  const { db, actor } = ctx;
  if ((await recoveryCodesLeft(db, actor.id)) > 0) return { codes: null, rows: [] };
  const { codes, hashes } = await newCodes(ctx, db, actor.id);
  return { codes, rows: [deleteRecoveryCodes(db, actor.id), insertRecoveryCodes(db, actor.id, hashes, ctx.now().toISOString())] };
}

/** Ten new codes, shown this once; all older ones are void. @throws AppError `step-up-required`, `not-ready` */
export async function makeRecoveryCodes(asking: UserContext): Promise<string[]> {
  const resource = { type: 'user', id: asking.actor.id, name: asking.actor.name } as const;
  const facts = { action: 'recovery_codes.create', resource } as const;
  const ctx = await requireFresh(asking, facts);
  const { db, actor } = ctx;
  const { codes, hashes } = await newCodes(ctx, db, actor.id);
  const { clear, insert } = renewRecoveryCodes(db, actor.id, hashes, ctx.now().toISOString());
  const made = commit(ctx, { guard: insert, changes: [clear], events: [eventOf(ctx, { ...facts, status: 201 })] });
  await onGuard(made, () => new AppError('not-ready', 'Recovery codes go with a passkey or an authenticator app: set one up first'));
  tellOfChange(ctx, 'New recovery codes were made for your account; the older ones don’t work any more.');
  return codes;
}
