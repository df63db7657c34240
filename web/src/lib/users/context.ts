import { createContext } from 'svelte';
import type { Invitation } from '@gatehouse/core/api/directory.ts';
import type { PagedList } from '#lib/paged.svelte.ts';

/** The open invitations of the page, for the dialog that adds one. */
export const [getInvitations, setInvitations] = createContext<PagedList<Invitation>>();
