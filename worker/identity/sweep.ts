import type { Services } from '../platform/context.ts';

const AT_ONCE = 1000;
const EXPIRING = [
  ...['sessions', 'email_verifications', 'passkey_challenges', 'second_factor_challenges', 'password_resets', 'used_proofs'],
  ...['sso_flows', 'used_logout_tokens'],
];

/** How long a token that has expired stays, so that its use is known for what it is. */
const TOKEN_DAYS = 90;

/** Removes what has expired by itself, in every shard. Expired rows open nothing; here they only stop taking room. */
export async function sweepSessions({ shards, now, log }: Services): Promise<void> {
  const before = now().toISOString();
  const tokensBefore = new Date(now().getTime() - TOKEN_DAYS * 86_400_000).toISOString();
  for (const [shard, d1] of shards) {
    try {
      await d1.batch(
        [...EXPIRING.map((table) => [table, before] as const), ['api_tokens', tokensBefore] as const].map(([table, end]) =>
          d1.prepare(`DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE expires_at < ? LIMIT ?)`).bind(end, AT_ONCE),
        ),
      );
    } catch (error) {
      log('error', 'expired sessions stay until the next sweep', { shard, error: String(error) });
    }
  }
}
