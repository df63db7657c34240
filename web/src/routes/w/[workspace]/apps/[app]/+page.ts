import { redirect } from '@sveltejs/kit';
import { route } from '#lib/route.ts';
import { session } from '#lib/session/session.svelte.ts';
import type { PageLoad } from './$types';

/** Where in the app it goes on stands in the fragment: no server sees it. */
export const load: PageLoad = async ({ params, url }) => {
  const here = url.pathname + location.hash;
  const me = await session.ensure();
  if (me === null) redirect(303, route.signIn(here));
  if (me.secondFactor.missing) redirect(303, route.secondFactor(here));
  return { workspaceId: params.workspace, label: params.app, to: new URLSearchParams(location.hash.slice(1)).get('to') };
};
