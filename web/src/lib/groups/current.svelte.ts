import { createContext } from 'svelte';
import type { GroupDetail } from '@gatehouse/core/api/groups.ts';
import type { Versioned } from '#lib/api/answer.ts';
import type { Resource } from '#lib/resource.svelte.ts';

/** The group whose tabs are open, with the version that changes must name. */
export type CurrentGroup = Resource<Versioned<GroupDetail>>;

export const [getGroup, setGroup] = createContext<CurrentGroup>();
