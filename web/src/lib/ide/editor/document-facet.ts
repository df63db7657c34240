import { Facet } from '@codemirror/state';
import type { OpenDocument } from './document.svelte.ts';

/** Which open file an editor's state is of; null for editors that show no file. */
export const documentFacet = Facet.define<OpenDocument, OpenDocument | null>({ combine: (values) => values[0] ?? null });
