import { toast } from '#lib/toast.svelte.ts';
import { goto } from '$app/navigation';
import { asProblem } from '#lib/api/problem.ts';
import * as identity from '#lib/api/identity.ts';
import * as sso from '#lib/api/sso.ts';
import { forgetBrowserKey } from '#lib/ide/connection/browser-key.ts';
import { forgetDrafts } from '#lib/ide/editor/drafts.ts';
import { forgetSettings } from '#lib/ide/settings/settings.svelte.ts';
import { forgetTabs } from '#lib/ide/memory.ts';
import { route } from '#lib/route.ts';
import { session } from '#lib/session/session.svelte.ts';

async function leaveBy(end: () => Promise<void>): Promise<void> {
  try {
    await end();
  } catch (thrown) {
    const problem = asProblem(thrown);
    if (problem.code !== 'not-signed-in') {
      toast.error(problem.title, { description: problem.message });
      return;
    }
  }
  await goto(route.signIn());
  session.ended();
  // Whoever uses this browser next finds no unsaved work, no names of files, and no key that proved somebody else.
  forgetTabs(localStorage);
  forgetSettings(localStorage);
  await Promise.all([forgetDrafts(indexedDB), forgetBrowserKey(indexedDB)]);
}

/** Ends this session and shows the sign-in page; where the organisation wants it, the provider's session, too. */
export async function leave(): Promise<void> {
  let there: string | null = null;
  await leaveBy(async () => {
    if (session.me?.session.method === 'sso') there = await sso.signOut();
    else await identity.signOut();
  });
  if (there !== null) location.assign(there);
}

/** Ends all sessions of the caller, in every browser. */
export const leaveEverywhere = (): Promise<void> => leaveBy(identity.signOutEverywhere);
