import { createContext } from 'svelte';
import type { IdentityProvider } from '@gatehouse/core/api/identity-providers.ts';
import type { Versioned } from '#lib/api/answer.ts';
import type { Resource } from '#lib/resource.svelte.ts';

/** The provider whose tabs are open, with the version that changes must name. */
export const [getProvider, setProvider] = createContext<Resource<Versioned<IdentityProvider>>>();

/** The providers of the list, for the dialog that adds one. */
export const [getProviders, setProviders] = createContext<Resource<IdentityProvider[]>>();
