import { z } from 'zod';
import { multiline, time } from './common.ts';

/** It becomes a variable of the workspace's programs. */
export const secretName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'must be a name of letters, digits and _')
  .refine((name) => !name.startsWith('GATEHOUSE_'), 'must not begin with GATEHOUSE_');

export const MOST_SECRETS = 50;
/** What is told of a secret: never its value. */
export const templateSecret = z.object({ name: z.string(), setAt: time, setBy: z.string() });
export const templateSecretList = z.object({ items: z.array(templateSecret) });
/** `secret`: its new value; null: it goes. Those that are not named stay. */
export const templateSecretsChange = z.object({
  items: z
    .array(z.object({ name: secretName, secret: multiline(10_000).min(1, 'must not be empty').nullable() }))
    .min(1)
    .max(MOST_SECRETS)
    .refine((items) => new Set(items.map(({ name }) => name)).size === items.length, 'must name each secret once'),
});
