import type { Component } from 'svelte';

export interface MenuEntry {
  label: string;
  icon?: Component;
  href?: string;
  run?: () => unknown;
  danger?: boolean;
  disabled?: boolean;
  /** said at the right: a key, or that it is the chosen one */
  note?: string;
  /** a line and a heading before this entry */
  section?: string;
}
