import type { Action } from 'svelte/action';

const FOCUSABLE = 'a[href], button:not([disabled])';
const CHOICE = 'input[type="checkbox"]';

/**
 * Arrows walk the rows (`data-row`) of a table, Enter presses what the row offers first.
 * A row that opens its details is a target itself (`tabindex`); another hands the focus to its first control, and from
 * choice to choice.
 */
export const rowKeys: Action<HTMLElement> = (root) => {
  const onkeydown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined || event.defaultPrevented || !(event.target instanceof Element)) return;
    const choosing = event.target.matches(CHOICE);
    if (!choosing && event.target.closest('input, textarea, select, [role="menu"]')) return;
    const rows = [...root.querySelectorAll<HTMLElement>('[data-row]')];
    const current = rows.findIndex((row) => row.contains(event.target as Node));
    const next = rows[Math.max(0, Math.min(rows.length - 1, current + step))];
    if (next === undefined) return;
    event.preventDefault();
    const first = (choosing ? next.querySelector<HTMLElement>(CHOICE) : null) ?? next.querySelector<HTMLElement>(FOCUSABLE);
    (next.tabIndex >= 0 ? next : (first ?? next)).focus();
  };
  const fromPage = (event: KeyboardEvent) => {
    if (document.activeElement === document.body || document.activeElement?.id === 'main') onkeydown(event);
  };
  root.addEventListener('keydown', onkeydown);
  window.addEventListener('keydown', fromPage);
  return {
    destroy() {
      root.removeEventListener('keydown', onkeydown);
      window.removeEventListener('keydown', fromPage);
    },
  };
};
