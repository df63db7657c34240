import type { AuditOrigin } from '@gatehouse/core/audit/event.ts';
import type { Services } from '../platform/context.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { deviceStanding } from './devices.store.ts';

/** Browser and system without their versions, which change by themselves, and the country. */
export const deviceKey = ({ browser, os, country }: Pick<AuditOrigin, 'browser' | 'os' | 'country'>): string =>
  [browser, os, country].map((part) => part?.replace(/ [\d.]+$/, '') ?? '?').join(' | ');

/** Asked before the sign-in is written. The first device of all is no news. */
export async function isNewDevice(db: TenantDb, userId: string, origin: AuditOrigin): Promise<boolean> {
  const standing = await deviceStanding(db, userId, deviceKey(origin));
  return standing !== undefined && standing.known === 0 && standing.others > 0;
}

/** Tells a person that somebody signed in as them from where they never did. */
export async function mailNewDevice(
  services: Pick<Services, 'mail' | 'now' | 'settings'>,
  to: { name: string; email: string; organisation: string },
  { browser, os, city, country, ip }: AuditOrigin,
): Promise<void> {
  const what = [browser, os].filter(Boolean).join(' on ') || 'An unknown browser';
  const where = [city, country].filter(Boolean).join(', ') || 'an unknown place';
  const when = `${services.now().toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  const text = `${to.name},\n\nsomebody signed in to ${to.organisation} as you, from a browser that you have not used here before:\n\n${what}\n${where} (${ip ?? 'unknown address'})\n${when}\n\nIf that was you, there is nothing to do. If not, end that session and change your password:\n${services.settings.ORIGIN}/account/security\n`;
  await services.mail.send({ to: to.email, subject: 'A new sign-in to Gatehouse', text });
}
