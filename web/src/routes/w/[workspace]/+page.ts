import { redirect } from '@sveltejs/kit';
import { route } from '#lib/route.ts';
import { session } from '#lib/session/session.svelte.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ params, url }) => {
  const me = await session.ensure();
  if (me === null) redirect(303, route.signIn(url.pathname + url.search));
  if (me.secondFactor.missing) redirect(303, route.secondFactor(url.pathname + url.search));
  const { user, tenant, session: here } = me;
  return { workspaceId: params.workspace, user: { id: user.id, tenantId: tenant.id, name: user.email, sessionId: here.id } };
};
