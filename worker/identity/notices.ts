import type { Services, SessionContext } from '../platform/context.ts';

/** Mails a person that how they sign in has changed, behind the answer: whoever took their session can’t do it unseen. */
export function tellOfChange(ctx: SessionContext, what: string): void {
  mailChange(ctx, { name: ctx.actor.name, email: ctx.actor.email, organisation: ctx.tenant.name }, what);
}

export function mailChange(
  services: Pick<Services, 'mail' | 'defer' | 'log' | 'settings'>,
  to: { name: string; email: string; organisation: string },
  what: string,
): void {
  const text = `${to.name},\n\n${what}\n\nOrganisation: ${to.organisation}\n\nIf that was not you, end all sessions and change your password, and tell your administrator:\n${services.settings.ORIGIN}/account/security\n`;
  const told = services.mail.send({ to: to.email, subject: 'How you sign in to Gatehouse has changed', text });
  services.defer(told.catch((error: unknown) => services.log('error', 'a change of sign-in was not mailed', { error: String(error) })));
}
