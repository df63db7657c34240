import { createContext } from 'svelte';
import type { Runner } from '@gatehouse/core/api/runners.ts';
import type { Resource } from '#lib/resource.svelte.ts';

/** The runners of the page, for the dialog that enrols one more. */
export const [getRunners, setRunners] = createContext<Resource<Runner[]>>();
