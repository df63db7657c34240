import { describe, expect, it } from 'vitest';
import { goalOf, headingId, renderMarkdown } from './markdown.ts';
import { tameLinks } from './tame-links.ts';

function drawn(text: string): HTMLElement {
  const root = document.createElement('div');
  root.append(...renderMarkdown(text).map(({ content }) => content));
  return root;
}
const html = (text: string): string => drawn(text).innerHTML;

describe('Markdown', () => {
  it('becomes blocks that know their lines', () => {
    const text = '# Shop\n\nText\nof two lines\n\n- one\n- two\n';
    expect(renderMarkdown(text).map(({ line }) => line)).toEqual([1, 3, 6]);
    expect(html(text)).toContain('<h1>Shop</h1>');
  });

  it('begins after its settings', () => {
    const text = '---\ntitle: Shop\n---\n\n# Shop\n';
    expect(renderMarkdown(text).map(({ line }) => line)).toEqual([5]);
    expect(html(text).trim()).toBe('<h1>Shop</h1>');
  });

  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<a href="javascript:alert(1)">x</a>',
    '[x](javascript:alert(1))',
    '<iframe src="https://evil.test"></iframe>',
    '<style>* { display: none }</style>',
    '<form action="https://evil.test"><button>Sign in</button></form>',
    '<svg><animate onbegin=alert(1)></svg>',
    '<div style="position: fixed; inset: 0">x</div>',
    '<p class="dialog" id="x" onclick="alert(1)">x</p>',
  ])('brings nothing that runs, fetches or pretends: %s', (text) => {
    expect(html(text)).not.toMatch(/script|on\w+=|iframe|<style|style=|<form|<button|<svg|class=/i);
  });
});

it.each([
  ['https://example.test/a', { kind: 'outside', url: 'https://example.test/a' }],
  ['../b/c%20d.md#part', { kind: 'file', path: 'b/c d.md' }],
  ['/top.md', { kind: 'file', path: 'top.md' }],
  ['#what-it-is', { kind: 'heading', id: 'what-it-is' }],
  ['../../../etc/passwd', null],
  ['javascript:alert(1)', null],
  ['data:text/html,x', null],
  ['//evil.test/x', null],
])('a link to %s leads to %o', (href, goal) => {
  expect(goalOf(href, 'docs')).toEqual(goal);
});

it('headings are reached by their words', () => {
  expect(headingId('What it is, in “short”')).toBe('what-it-is-in-short');
});

describe('links and images of a text', () => {
  const tame = (text: string): { root: HTMLElement; opened: string[]; read: string[] } => {
    const root = drawn(text);
    const [opened, read]: [string[], string[]] = [[], []];
    tameLinks(root, {
      folder: 'docs',
      files: { readSome: (path) => (read.push(path), Promise.reject(new Error('not here'))) },
      openFile: (path) => opened.push(path),
    });
    return { root, opened, read };
  };

  it('lead out of the page without a way back, or to a file', () => {
    const { root, opened } = tame('[out](https://example.test) [in](a.md)');
    const [out, inside] = root.querySelectorAll('a');
    expect([out?.target, out?.rel]).toEqual(['_blank', 'noopener noreferrer nofollow']);
    inside?.click();
    expect(opened).toEqual(['docs/a.md']);
  });

  it('are fetched from the workspace only; those of elsewhere are links', () => {
    const { root, read } = tame('![Plan](plan.png) ![Spy](https://spy.test/pixel.png)');
    expect(read).toEqual(['docs/plan.png']);
    expect([...root.querySelectorAll('img')].map((image) => image.getAttribute('src'))).toEqual([null]);
    expect(root.textContent).toContain('Image “Spy” at spy.test');
  });
});
