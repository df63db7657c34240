/** The keyboard among what was found: arrows go from line to line, and back to the field above the first. */
export function walkFound(event: KeyboardEvent, list: HTMLElement, leave: () => void): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const lines = [...list.querySelectorAll<HTMLElement>('[data-found]')];
  const at = lines.findIndex((line) => line === event.target);
  const line = lines[at];
  if (line === undefined) return;
  const open = line.getAttribute('aria-expanded');
  const acts: Record<string, () => void> = {
    ArrowDown: () => lines[at + 1]?.focus(),
    ArrowUp: () => (at === 0 ? leave() : lines[at - 1]?.focus()),
    Home: () => lines[0]?.focus(),
    End: () => lines.at(-1)?.focus(),
    // From a find to its file, which closes with the next press.
    ArrowLeft: () => (open === null ? lines.slice(0, at).findLast(isFile)?.focus() : open === 'true' && line.click()),
    ArrowRight: () => (open === 'false' ? line.click() : open === 'true' && lines[at + 1]?.focus()),
  };
  const act = acts[event.key];
  if (act === undefined) return;
  event.preventDefault();
  act();
}

/** To the first find, from the field. */
export const enterFound = (list: HTMLElement): void =>
  (list.querySelector<HTMLElement>('[data-found="line"]') ?? list.querySelector<HTMLElement>('[data-found]'))?.focus();

const isFile = ({ dataset }: HTMLElement): boolean => dataset['found'] === 'file';
