import { createContext } from 'svelte';
import type { Destination } from '@gatehouse/core/api/audit.ts';
import type { Resource } from '#lib/resource.svelte.ts';

/** The destinations of the page, for the dialog that adds one. */
export const [getDestinations, setDestinations] = createContext<Resource<Destination[]>>();
