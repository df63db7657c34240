import { userQuery } from '@gatehouse/core/api/directory.ts';
import type { UserQuery } from '#lib/api/users.ts';

/** The filter in an address; what is not understood is left out. */
export function userFilterFrom(params: URLSearchParams): Omit<UserQuery, 'cursor'> {
  const given = (name: string) => params.get(name) || undefined;
  const q = userQuery.shape.q.safeParse(given('q')).data;
  const state = userQuery.shape.state.safeParse(given('state')).data;
  const role = userQuery.shape.role.safeParse(given('role')).data;
  return { ...(q === undefined ? {} : { q }), ...(state === undefined ? {} : { state }), ...(role === undefined ? {} : { role }) };
}
