import { z } from 'zod';
import { AppError } from '@gatehouse/core/errors.ts';
import type { Settings } from './env.ts';

const RESOLVER = 'https://cloudflare-dns.com/dns-query';
const TIMEOUT_MS = 5_000;
const TXT = 16;
const NO_SUCH_NAME = 3;

const answers = z.object({
  Status: z.number(),
  Answer: z
    .array(z.object({ type: z.number(), data: z.string().max(5_000) }))
    .max(200)
    .default([]),
});

/**
 * The TXT records of a name, by DNS over HTTPS. A local deployment has those of its settings before all (LOCAL_TXT_RECORDS).
 * @throws AppError `unavailable` when nobody can say
 */
export async function resolveTxt({ ENVIRONMENT, LOCAL_TXT_RECORDS }: Settings, name: string): Promise<string[]> {
  const own = ENVIRONMENT === 'local' ? LOCAL_TXT_RECORDS[name] : undefined;
  if (own !== undefined) return own;
  try {
    const response = await fetch(`${RESOLVER}?${new URLSearchParams({ name, type: 'TXT' }).toString()}`, {
      headers: { Accept: 'application/dns-json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const { Status, Answer } = answers.parse(await response.json());
    if (Status === NO_SUCH_NAME) return [];
    if (Status !== 0) throw new Error(`DNS answered ${Status}`);
    return Answer.filter(({ type }) => type === TXT).map(({ data }) => textOf(data));
  } catch (cause) {
    throw new AppError('unavailable', 'The domain name system gave no answer. Try again in a minute.', { retryAfter: 60, cause });
  }
}

/** A record is one text or several in quotes, which belong together. */
const textOf = (data: string): string =>
  data.startsWith('"') ? [...data.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, part]) => part).join('') : data;
