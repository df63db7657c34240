import type { RemoteFiles } from '../../files/remote-files.ts';
import { nameOf } from '../../files/paths.ts';
import { goalOf, headingId } from './markdown.ts';
import { imageType } from './kinds.ts';

export interface Taming {
  /** of the text */
  folder: string;
  files: Pick<RemoteFiles, 'readSome'>;
  openFile(path: string): void;
}

const MOST_BYTES = 8 * 1024 * 1024;
const MOST_IMAGES = 100;

/** Lets links lead where they may, and shows images of the workspace; those of elsewhere become links. @returns ends it */
export function tameLinks(root: HTMLElement, taming: Taming): () => void {
  const urls: string[] = [];
  const ended = { yes: false };
  for (const heading of root.querySelectorAll('h1, h2, h3, h4, h5, h6')) heading.id = `md-${headingId(heading.textContent ?? '')}`;
  for (const link of root.querySelectorAll('a')) tameLink(link, root, taming);
  for (const box of root.querySelectorAll('input')) box.disabled = true;
  [...root.querySelectorAll('img')].forEach((image, index) => {
    const goal = goalOf(image.getAttribute('src') ?? '', taming.folder);
    image.removeAttribute('src');
    if (goal?.kind === 'outside') image.replaceWith(linkTo(goal.url, image.alt));
    else if (goal?.kind === 'file' && index < MOST_IMAGES) void show(image, goal.path);
  });
  async function show(image: HTMLImageElement, path: string): Promise<void> {
    try {
      const { bytes, complete } = await taming.files.readSome(path, MOST_BYTES);
      if (!complete || ended.yes) return;
      const url = URL.createObjectURL(new Blob([bytes], { type: imageType(nameOf(path)) ?? '' }));
      urls.push(url);
      image.src = url;
    } catch {
      // its words stay
    }
  }
  return () => {
    ended.yes = true;
    for (const url of urls) URL.revokeObjectURL(url);
  };
}

function tameLink(link: HTMLAnchorElement, root: HTMLElement, taming: Taming): void {
  const goal = goalOf(link.getAttribute('href') ?? '', taming.folder);
  link.removeAttribute('href');
  if (goal === null) return;
  if (goal.kind === 'outside') return outside(link, goal.url);
  link.href = '#';
  link.addEventListener('click', (event) => {
    event.preventDefault();
    if (goal.kind === 'file') taming.openFile(goal.path);
    else root.querySelector(`#${CSS.escape(`md-${goal.id}`)}`)?.scrollIntoView();
  });
}

function outside(link: HTMLAnchorElement, url: string): void {
  Object.assign(link, { href: url, target: '_blank', rel: 'noopener noreferrer nofollow' });
}

/** An image of elsewhere would tell its host who reads this: it is opened only when asked for. */
function linkTo(url: string, words: string): HTMLAnchorElement {
  const link = document.createElement('a');
  outside(link, url);
  link.textContent = `Image${words === '' ? '' : ` “${words}”`} at ${hostOf(url)}`;
  return link;
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : 'another place');
