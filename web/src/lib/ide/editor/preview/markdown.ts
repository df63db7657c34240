import DOMPurify from 'dompurify';
import { Marked, type Token } from 'marked';

/** A block of a text, and the line that it begins in, counted from 1. */
export interface Block {
  line: number;
  content: DocumentFragment;
}

/** How deep and how much; more of it is nobody's text. */
const MOST_CHARACTERS = 2_000_000;

const marked = new Marked({ gfm: true });

/** Only what texts are made of. Nothing runs, nothing is fetched, nothing looks like a part of the page around it. */
const CLEAN = {
  USE_PROFILES: { html: true },
  FORBID_TAGS: ['style', 'form', 'button', 'textarea', 'select', 'option', 'video', 'audio', 'source', 'picture', 'dialog'],
  FORBID_ATTR: ['style', 'class', 'name', 'srcset', 'background', 'poster', 'target', 'popover', 'autofocus'],
  ALLOW_DATA_ATTR: false,
};

/** Markdown as blocks of nodes that are safe to show. What links and images become is `tameLinks`'s. */
export function renderMarkdown(text: string): Block[] {
  const tokens = marked.lexer(withoutFrontMatter(text.slice(0, MOST_CHARACTERS)));
  let line = 1;
  return tokens.flatMap((token: Token) => {
    const begins = line;
    line += token.raw.split('\n').length - 1;
    if (token.type === 'space') return [];
    const block = Object.assign([token], { links: tokens.links });
    return [{ line: begins, content: DOMPurify.sanitize(marked.parser(block), { ...CLEAN, RETURN_DOM_FRAGMENT: true }) }];
  });
}

/** Settings that stand before a text are no text: their lines stay, empty. */
const withoutFrontMatter = (text: string): string =>
  text.replace(/^---\r?\n[\s\S]*?\r?\n---(?=\r?\n|$)/, (settings) => '\n'.repeat(settings.split('\n').length - 1));

/** Where a link of a text leads: out of the page, to a file, to a heading, or nowhere. */
export type Goal = { kind: 'outside'; url: string } | { kind: 'file'; path: string } | { kind: 'heading'; id: string } | null;

/** @param folder of the text */
export function goalOf(href: string, folder: string): Goal {
  if (href.startsWith('#')) return { kind: 'heading', id: decoded(href.slice(1)) };
  if (/^(https?|mailto):/i.test(href)) return { kind: 'outside', url: href };
  if (/^[a-z][a-z0-9+.-]*:/i.test(href) || href.startsWith('//')) return null;
  const path = resolved(decoded(href.split(/[?#]/, 1)[0] ?? ''), folder);
  return path === null ? null : { kind: 'file', path };
}

/** What a heading is reached by, as hosts of code make it. */
export const headingId = (words: string): string =>
  words
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');

function resolved(path: string, folder: string): string | null {
  const names = path.startsWith('/') || folder === '' ? [] : folder.split('/');
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') names.push(name);
    else if (names.pop() === undefined) return null;
  }
  return names.length === 0 ? null : names.join('/');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
