import { afterEach, beforeEach, expect, it } from 'vitest';
import { allowStyles } from './csp-styles.ts';

let forbid: () => void;
beforeEach(() => (forbid = allowStyles(document, 'n0nce')));
afterEach(() => forbid());

it('gives style elements the nonce of the page', () => {
  expect(document.createElement('style').nonce).toBe('n0nce');
  expect(document.createElement('div').nonce).toBe('');
});

it('sets style attributes through the object model, and others as ever', () => {
  const span = document.createElement('span');
  span.setAttribute('style', 'color: red;');
  span.setAttribute('title', 'x');
  expect([span.style.color, span.title]).toEqual(['red', 'x']);
});

it('leaves the page as it was', () => {
  forbid();
  expect(document.createElement('style').nonce).toBe('');
});
