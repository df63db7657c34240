import DOMPurify from 'dompurify';

/** What words about code are made of; nothing that loads, moves, listens or looks like the page itself. */
// prettier-ignore
const TAGS = ['a', 'b', 'blockquote', 'br', 'code', 'dd', 'del', 'div', 'dl', 'dt', 'em', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'i',
  'kbd', 'li', 'ol', 'p', 'pre', 'span', 's', 'strong', 'sub', 'sup', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul'];

/** Only classes that highlighting makes: ours could make it look like a part of the page. */
const HIGHLIGHT = /^(ͼ|tok-|language-)/;

/** Makes what a language server wrote harmless. Links open in a tab of their own that knows nothing of this one. */
export function sanitize(html: string): string {
  const fragment = DOMPurify.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ['href', 'title', 'class', 'colspan', 'rowspan'],
    ALLOWED_URI_REGEXP: /^https?:/i,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const element of fragment.querySelectorAll('[class]')) {
    const classes = [...element.classList].filter((name) => HIGHLIGHT.test(name));
    element.setAttribute('class', classes.join(' '));
  }
  for (const link of fragment.querySelectorAll('a')) {
    link.setAttribute('target', '_blank');
    link.setAttribute('rel', 'noopener noreferrer');
  }
  const holder = document.createElement('div');
  holder.append(fragment);
  return holder.innerHTML;
}
