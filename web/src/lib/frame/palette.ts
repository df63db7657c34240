import type { Component } from 'svelte';

export interface PaletteEntry {
  id: string;
  label: string;
  /** told apart from others of the same name: "workspace", "page" */
  kind: string;
  icon?: Component;
  keys?: string;
  run: () => unknown;
}

/** How well a label answers a query: higher is better, null when it doesn't. Letters in order suffice; starts of words win. */
export function score(label: string, query: string): number | null {
  const text = label.toLowerCase();
  const wanted = query.trim().toLowerCase();
  if (wanted === '') return 0;
  const at = text.indexOf(wanted);
  if (at === 0) return 100;
  if (at > 0) return /\W/.test(text[at - 1] ?? '') ? 90 : 60;
  let position = -1;
  for (const letter of wanted) {
    position = text.indexOf(letter, position + 1);
    if (position === -1) return null;
  }
  return 20 - Math.min(19, position - wanted.length);
}

/** The entries that answer a query, the best first; equally good ones keep their order. */
export function matching(entries: readonly PaletteEntry[], query: string): PaletteEntry[] {
  return entries
    .map((entry) => ({ entry, points: score(entry.label, query) }))
    .filter((hit): hit is { entry: PaletteEntry; points: number } => hit.points !== null)
    .sort((a, b) => b.points - a.points)
    .map(({ entry }) => entry);
}
