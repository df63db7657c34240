import type { ViewerAccess } from '../protocol/connection.ts';
import { atLeast, type TemplateRole } from './template-acl.ts';

/** How somebody with that role on its template may connect: to their own workspace, or joining another's. Null: not at all. */
export function connectAccess(mine: boolean, role: TemplateRole | null): ViewerAccess | null {
  if (mine) return atLeast(role, 'use') ? 'own' : null;
  return atLeast(role, 'admin') ? 'join' : null;
}
