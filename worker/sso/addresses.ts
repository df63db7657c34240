import type { Settings } from '../platform/env.ts';
import type { TenantDb } from '../platform/tenant-db.ts';

/** One for the whole deployment: the state finds the organisation. */
export const redirectUri = ({ ORIGIN }: Pick<Settings, 'ORIGIN'>): string => `${ORIGIN}/sso/callback`;

/** Where a provider finds us, with the shard and the organisation in clear. */
export const placeOf = ({ shard, tenantId }: Pick<TenantDb, 'shard' | 'tenantId'>, providerId: string): string =>
  `${shard}.${tenantId}.${providerId}`;
export const PLACE = /^(s\d{1,4})\.(tnt_[0-7][0-9a-hjkmnp-tv-z]{25})\.(idp_[0-7][0-9a-hjkmnp-tv-z]{25})$/;

/** All that the provider is told of us. */
export function addressesFor({ ORIGIN }: Pick<Settings, 'ORIGIN'>, db: TenantDb, slug: string, providerId: string) {
  const place = placeOf(db, providerId);
  return {
    redirect: redirectUri({ ORIGIN }),
    start: `${ORIGIN}/sso/start?${new URLSearchParams({ organisation: slug, provider: providerId }).toString()}`,
    jwks: `${ORIGIN}/api/v1/sso/clients/${place}/jwks`,
    backChannelLogout: `${ORIGIN}/api/v1/sso/backchannel-logout/${place}`,
    afterLogout: `${ORIGIN}/signin`,
  };
}
