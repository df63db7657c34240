import { AUDIT_CALLS } from './route-calls/audit.ts';
import { DIRECTORY_CALLS } from './route-calls/directory.ts';
import { IDENTITY_CALLS } from './route-calls/identity.ts';
import { PROVIDER_CALLS } from './route-calls/providers.ts';
import { SNAPSHOTS_CALLS } from './route-calls/snapshots.ts';
import { SSO_CALLS } from './route-calls/sso.ts';
import { WORKSPACES_CALLS } from './route-calls/workspaces.ts';

export type { Ask, RouteCall } from './route-calls/call.ts';

/** Every route that changes something, and what its successful call leaves. */
export const ROUTE_CALLS = {
  ...IDENTITY_CALLS,
  ...DIRECTORY_CALLS,
  ...AUDIT_CALLS,
  ...WORKSPACES_CALLS,
  ...SNAPSHOTS_CALLS,
  ...PROVIDER_CALLS,
  ...SSO_CALLS,
};
