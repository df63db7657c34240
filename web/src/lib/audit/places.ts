import type { Permission } from '@gatehouse/core/access/permissions.ts';
import type { ACTOR_TYPES, ResourceType } from '@gatehouse/core/audit/event.ts';
import { route } from '#lib/route.ts';

type Thing = ResourceType | (typeof ACTOR_TYPES)[number];

interface Place {
  needs?: Permission;
  at: (id: string) => string;
}

/** The page of each thing that events name and that has one. */
const PLACES: Partial<Record<Thing, Place>> = {
  user: { needs: 'user:read', at: route.user },
  'service-account': { needs: 'service-account:read', at: route.serviceAccount },
  group: { needs: 'group:read', at: route.group },
  role: { needs: 'role:read', at: route.role },
  template: { at: route.template },
  workspace: { at: route.workspaceLog },
  runner: { needs: 'runner:read', at: () => route.runners() },
  'access-request': { at: () => route.accessRequests() },
  idp: { needs: 'idp:read', at: route.provider },
  'scim-client': { needs: 'idp:read', at: route.provider },
  siem: { needs: 'siem:read', at: route.destination },
  token: { needs: 'token:read-all', at: () => route.tokens() },
  policy: { needs: 'policy:read', at: () => route.policy() },
  recording: { needs: 'recording:read', at: (id) => route.recording(id) },
  finding: { needs: 'audit:read', at: route.finding },
};

/** Where the page of a thing is, for those who may open it; null where there is none. */
export function pageOf(type: Thing, id: string | null, may: (permission: Permission) => boolean): string | null {
  const place = PLACES[type];
  return id === null || place === undefined || (place.needs !== undefined && !may(place.needs)) ? null : place.at(id);
}
