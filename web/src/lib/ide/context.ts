import { createContext } from 'svelte';
import type { Ide } from './ide.svelte.ts';

/** The IDE that the surrounding page made. */
export const [ideOf, provideIde] = createContext<Ide>();
