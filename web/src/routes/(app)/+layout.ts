import { redirect } from '@sveltejs/kit';
import { route } from '#lib/route.ts';
import { session } from '#lib/session/session.svelte.ts';
import type { LayoutLoad } from './$types';

export const load: LayoutLoad = async ({ url }) => {
  const me = await session.ensure();
  if (me === null) redirect(303, route.signIn(url.pathname + url.search));
  if (me.secondFactor.missing) redirect(303, route.secondFactor(url.pathname + url.search));
};
