import type { AuditOrigin } from '@gatehouse/core/audit/event.ts';
import type { Services } from '../platform/context.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { deviceStanding } from './devices.store.ts';

type Where = Pick<AuditOrigin, 'browser' | 'os' | 'country'>;

const nameOf = (part: string | null | undefined) => part?.replace(/ [\d.]+$/, '') ?? '?';

/** A device is a browser on a system; their versions change by themselves. */
const deviceOf = ({ browser, os }: Where): string => `${nameOf(browser)} | ${nameOf(os)} | `;

/** The device and the country in which it was used: what is remembered of each sign-in. */
export const deviceKey = (origin: Where): string => `${deviceOf(origin)}${origin.country ?? '?'}`;

/**
 * Asked before the sign-in is written. The first of all is no news.
 * `device`: they never used it; `place`: they never used it in that country, which is so of every new device, too.
 */
export async function newFor(db: TenantDb, userId: string, origin: AuditOrigin): Promise<{ device: boolean; place: boolean }> {
  const { known = 0, here = 0, all = 0 } = (await deviceStanding(db, userId, deviceOf(origin), deviceKey(origin))) ?? {};
  return { device: all > 0 && known === 0, place: all > 0 && here === 0 };
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
  const text = `${to.name},\n\nsomebody signed in to ${to.organisation} as you, with a browser or from a country that is new for you here:\n\n${what}\n${where} (${ip ?? 'unknown address'})\n${when}\n\nIf that was you, there is nothing to do. If not, end that session and change your password:\n${services.settings.ORIGIN}/account/security\n`;
  await services.mail.send({ to: to.email, subject: 'A new sign-in to Gatehouse', text });
}
