import type { Severity } from './problems.svelte.ts';

/** A shape and a word for each: colour alone tells nobody. */
export const SEVERITY_WORDS: Record<Severity, { mark: string; one: string; many: string }> = {
  error: { mark: '■', one: 'Error', many: 'errors' },
  warning: { mark: '▲', one: 'Warning', many: 'warnings' },
  info: { mark: '●', one: 'Note', many: 'notes' },
  hint: { mark: '○', one: 'Hint', many: 'hints' },
};
