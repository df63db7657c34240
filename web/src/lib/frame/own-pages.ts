import { isLocal } from './local.ts';
import { PAGES, type Page } from './pages.ts';
import { session } from '#lib/session/session.svelte.ts';

/** The pages that this person may open here. */
export function ownPages(): Page[] {
  const { me } = session;
  const open = ({ needs, also }: Page) => needs === undefined || session.can(needs) || (me !== null && also?.(me) === true);
  return PAGES.filter((page) => open(page) && (!page.local || isLocal()));
}
