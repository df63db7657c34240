import { beforeEach, expect, it } from 'vitest';
import { enterFound, walkFound } from './walk.ts';

let list: HTMLElement;
let left = 0;
const at = () => document.activeElement?.id;
const press = (...keys: string[]) => {
  for (const key of keys) document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
};

beforeEach(() => {
  document.body.innerHTML = `<ul>
    <li><button id="a" data-found="file" aria-expanded="true"></button><button id="a1" data-found="line"></button></li>
    <li><button id="b" data-found="file" aria-expanded="false"></button><button id="replace"></button></li>
  </ul>`;
  list = document.body.querySelector('ul') as HTMLElement;
  left = 0;
  list.addEventListener('keydown', (event) => walkFound(event, list, () => (left += 1)));
});

it('from the field the first find is reached, and arrows go on from there', () => {
  enterFound(list);
  expect(at()).toBe('a1');
  press('ArrowDown');
  expect(at()).toBe('b');
  press('ArrowDown');
  expect(at()).toBe('b');
  press('Home');
  expect([at(), left]).toEqual(['a', 0]);
  press('ArrowUp');
  expect(left).toBe(1);
});

it('left goes to the file of a find and then closes it, right opens it', () => {
  const clicked: string[] = [];
  list.addEventListener('click', ({ target }) => clicked.push((target as HTMLElement).id));
  enterFound(list);
  press('ArrowLeft');
  expect([at(), clicked]).toEqual(['a', []]);
  press('ArrowLeft', 'End', 'ArrowRight');
  expect(clicked).toEqual(['a', 'b']);
});

it('what is no line of it keeps its keys', () => {
  document.getElementById('replace')?.focus();
  press('ArrowUp', 'Home');
  expect(at()).toBe('replace');
});
