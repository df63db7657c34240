import { createContext } from 'svelte';
import type { ServiceAccount } from '@gatehouse/core/api/service-accounts.ts';
import type { PagedList } from '#lib/paged.svelte.ts';

/** The list of the page, for the dialog that adds to it. */
export const [getAccounts, setAccounts] = createContext<PagedList<ServiceAccount>>();
