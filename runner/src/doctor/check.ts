/** `warning`: the runner works, with less than it could do. `failure`: it does not work until this is mended. */
export type CheckState = 'ok' | 'warning' | 'failure';

/** One thing that was looked at. */
export interface Check {
  id: string;
  title: string;
  state: CheckState;
  /** what was found, in a sentence */
  found: string;
  /** what to do about it; null where nothing is to be done */
  remedy: string | null;
}

export const fine = (id: string, title: string, found: string): Check => ({ id, title, state: 'ok', found, remedy: null });
export const warning = (id: string, title: string, found: string, remedy: string): Check => ({
  id,
  title,
  state: 'warning',
  found,
  remedy,
});
export const failing = (id: string, title: string, found: string, remedy: string): Check => ({
  id,
  title,
  state: 'failure',
  found,
  remedy,
});
