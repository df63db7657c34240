import { AppError } from '@gatehouse/core/errors.ts';
import type { MailPort } from './context.ts';
import type { Settings } from './env.ts';

/** Mail through Cloudflare's `send_email` binding. */
export function deployedMail(binding: SendEmail, from: string): MailPort {
  return {
    send: async ({ to, subject, text }) => {
      await binding.send({ from, to, subject, text });
    },
  };
}

/** A local deployment keeps its mails for the outbox page; a deployed one without a mail binding says so. */
export function localMail(directory: D1Database, settings: Settings, now: () => Date): MailPort {
  return {
    send: async ({ to, subject, text }) => {
      if (settings.ENVIRONMENT !== 'local')
        throw new AppError('unavailable', 'This deployment can’t send mail: the binding MAIL is missing');
      await directory
        .prepare('INSERT INTO local_mails (recipient, subject, text, sent_at) VALUES (?, ?, ?, ?)')
        .bind(to, subject, text, now().toISOString())
        .run();
    },
  };
}
