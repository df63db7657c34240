import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../errors.ts';

/** Text that people type: trimmed, no control characters, so that it can't break a log, a mail or a page. */
export const text = (max: number, min = 1) =>
  z
    .string()
    .trim()
    .min(min, min === 1 ? 'must not be empty' : `must have at least ${min} characters`)
    .max(max, `must have at most ${max} characters`)
    .regex(/^[^\p{Cc}]*$/u, 'must not contain control characters');

/** Text of several lines: tabs and line ends allowed, NUL not. */
export const multiline = (max: number) =>
  z
    .string()
    .max(max, `must have at most ${max} characters`)
    .regex(/^(?:[^\p{Cc}]|[\t\n\r])*$/u, 'must not contain control characters');

export const email = z.string().trim().toLowerCase().max(254).pipe(z.email('must be an e-mail address'));
export const slug = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[a-z][a-z0-9-]{1,38}[a-z0-9]$/, 'must have 3 to 40 small letters, digits or hyphens and start with a letter');
/** Any characters but NUL, which no keyboard types. */
export const typedPassword = z
  .string()
  .min(1, 'must not be empty')
  .max(256, 'must have at most 256 characters')
  .refine((value) => !value.includes('\0'), 'must not contain NUL');
export const password = typedPassword.min(12, 'must have at least 12 characters');
export const time = z.iso.datetime();
/** an opaque secret in base64url, as it stands in links and one-time codes */
export const secret = z.string().regex(/^[A-Za-z0-9_.-]{20,200}$/, 'is not complete');

export const page = z.object({
  limit: z.coerce.number<number | string>().int().min(1).max(100).default(50),
  cursor: z.string().max(500).optional(),
});

/** What is looked for in names. */
export const searchText = text(100, 0);

export const listOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), nextCursor: z.string().nullable() });

export const done = z.object({ ok: z.literal(true) });

export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
  requestId: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string(), position: z.number().int().optional() })).optional(),
});
export type Problem = z.infer<typeof problem>;

/** Where a runner fetches from: https without credentials inside; http only from its own loopback, as tests and labs serve it. */
export function isSourceUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, username, password } = new URL(value);
  const isLoopbackHttp = protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  return (protocol === 'https:' || isLoopbackHttp) && username === '' && password === '';
}

/** Of Ed25519 or X25519, as it is. */
export const publicKey = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be 32 bytes in base64url');
