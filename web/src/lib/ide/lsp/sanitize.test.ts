import { expect, it } from 'vitest';
import { sanitize } from './sanitize.ts';

it('keeps words, code and links to the web', () => {
  expect(sanitize('<p>Adds <b>up</b> <code>x</code></p><pre><code class="language-ts">a</code></pre>')).toBe(
    '<p>Adds <b>up</b> <code>x</code></p><pre><code class="language-ts">a</code></pre>',
  );
  expect(sanitize('<a href="https://example.com/">docs</a>')).toContain('target="_blank" rel="noopener noreferrer"');
});

it('lets nothing in that runs, loads, covers the page or looks like a part of it', () => {
  const hostile = [
    '<img src=x onerror=alert(1)>',
    '<script>alert(1)</script>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="command:run">x</a>',
    '<a href="//evil.example">x</a>',
    '<iframe src="https://evil.example"></iframe>',
    '<p style="position:fixed;inset:0">x</p>',
    '<form action="https://evil.example"><input name=password></form>',
    '<svg><style>*{display:none}</style></svg>',
    '<p class="btn primary" id="main" onclick="alert(1)" data-x="1">x</p>',
    '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>',
  ];
  for (const html of hostile)
    expect(sanitize(html)).not.toMatch(/<(img|script|iframe|form|input|svg|style|math)|on\w+=|style=|href=|id=|data-|btn|primary/i);
});
