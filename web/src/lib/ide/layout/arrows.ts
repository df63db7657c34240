/** Moves the keyboard between the rows of a list: buttons of the class `row`, wherever they stand in it. */
export function arrowsBetween(list: HTMLElement | undefined, event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (list === undefined || (step === undefined && event.key !== 'Home' && event.key !== 'End')) return;
  const rows = [...list.querySelectorAll<HTMLElement>('button.row')];
  if (rows.length === 0) return;
  event.preventDefault();
  const at = rows.findIndex((row) => row === document.activeElement);
  const to = event.key === 'Home' ? 0 : event.key === 'End' ? rows.length - 1 : Math.min(Math.max(at + (step ?? 0), 0), rows.length - 1);
  rows[to]?.focus();
}
