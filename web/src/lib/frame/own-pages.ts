import { isLocal } from './local.ts';
import { PAGES, type Page } from './pages.ts';
import { noticeBoard } from '#lib/session/notices.svelte.ts';
import { session } from '#lib/session/session.svelte.ts';

/** Who administers single templates only learns of requests by the first that waits. */
const decides = () => session.can('template:admin') || noticeBoard.shown.toDecide > 0;

/** The pages that this person may open here. */
export function ownPages(): Page[] {
  const { me } = session;
  const open = ({ needs, also }: Page) =>
    needs === undefined || [needs].flat().some((permission) => session.can(permission)) || (me !== null && also?.(me) === true);
  const due = ({ notice }: Page) => notice !== 'toDecide' || decides();
  return PAGES.filter((page) => open(page) && due(page) && (!page.local || isLocal()));
}
