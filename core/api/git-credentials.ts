import { z } from 'zod';
import { normalHost } from '../access/egress.ts';
import { idSchema } from '../ids.ts';
import { listOf, text, time } from './common.ts';

export const MAX_GIT_CREDENTIALS = 20;

/** `git.example`, or with a port that is not 443 */
const gitHost = z
  .string()
  .trim()
  .toLowerCase()
  .max(260)
  .refine((value) => {
    const [, host = '', port] = /^([^:/]+)(?::(\d{1,5}))?$/.exec(value) ?? [];
    return normalHost(host) !== null && (port === undefined || (Number(port) >= 1 && Number(port) <= 65_535));
  }, 'must be the name of a host, such as git.example, without https://')
  .transform((value) => value.replace(/:443$/, ''));

export const gitCredentialAdd = z.object({
  host: gitHost,
  /** what the server takes beside a token: GitHub anything, GitLab `oauth2` or the person's name */
  username: text(200).refine((value) => !value.includes(':'), 'must not contain a colon'),
  /** a token or a password; never shown again */
  secret: text(4000),
});

export const gitCredential = z.object({ id: idSchema('gitCredential'), host: z.string(), username: z.string(), createdAt: time });
export type GitCredential = z.infer<typeof gitCredential>;
export const gitCredentialList = listOf(gitCredential);
