import { createContext } from 'svelte';
import type * as templates from '#lib/api/templates.ts';
import type { Versioned } from '#lib/api/answer.ts';
import type { Resource } from '#lib/resource.svelte.ts';

/** The template whose tabs are open, with the version that changes must name. */
export type CurrentTemplate = Resource<Versioned<templates.TemplateDetail>>;

export const [getTemplate, setTemplate] = createContext<CurrentTemplate>();
