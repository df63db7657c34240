import { isLocal } from './local.ts';
import { PAGES, type Page } from './pages.ts';
import { session } from '#lib/session/session.svelte.ts';

/** The pages that this person may open here. */
export function ownPages(): Page[] {
  return PAGES.filter(({ needs, local }) => (needs === undefined || session.can(needs)) && (!local || isLocal()));
}
