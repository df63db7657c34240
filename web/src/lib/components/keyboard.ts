/** What comes and goes above a page: a keyboard that is still in it is about to be free. */
const CLOSING = '[data-dialog-content], [data-popover-content], [data-dropdown-menu-content]';

/** Whether something on the page, that stays, has the keyboard. */
export function isTaken(at: Element | null = document.activeElement): boolean {
  return at !== null && at !== document.body && at.closest(CLOSING) === null;
}

/** For a dialog that closes: what took the keyboard meanwhile keeps it. Else it goes back to where it was before. */
export function giveBack(event: Event): void {
  if (isTaken()) event.preventDefault();
}

/** For what stands at a button: the keyboard goes back there, unless something else took it meanwhile. */
export const giveBackTo =
  (anchor: HTMLElement) =>
  (event: Event): void => {
    event.preventDefault();
    if (!isTaken()) anchor.focus();
  };
