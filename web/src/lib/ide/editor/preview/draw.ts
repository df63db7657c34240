import type { Block } from './markdown.ts';

/** Puts the blocks of a text in the place of those before, each with the line that it begins in. */
export function draw(root: HTMLElement, blocks: readonly Block[]): void {
  root.replaceChildren(
    ...blocks.map(({ line, content }) => {
      const element = document.createElement('div');
      element.dataset['line'] = String(line);
      element.append(content.cloneNode(true));
      return element;
    }),
  );
}
