import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { giveBack, giveBackTo, isTaken } from './keyboard.ts';

/** The keyboard that something gives back as it closes. */

beforeEach(() => {
  document.body.innerHTML = `<button id="opener">Open</button><textarea id="editor"></textarea><div data-dialog-content><input id="inside" /></div>`;
});
afterEach(() => document.body.replaceChildren());

const focus = (id: string) => document.getElementById(id)?.focus();
const opener = () => document.querySelector<HTMLElement>('#opener') ?? expect.fail('the button is there');
const closing = () => new Event('close', { cancelable: true });

describe('it is free', () => {
  test('where nothing has it', () => expect(isTaken()).toBe(false));
  test('in what is closing', () => {
    focus('inside');
    expect(isTaken()).toBe(false);
  });
  test('and a dialog gives it back', () => {
    focus('inside');
    const event = closing();
    giveBack(event);
    expect(event.defaultPrevented).toBe(false);
  });
  test('and a menu gives it to its button', () => {
    const event = closing();
    giveBackTo(opener())(event);
    expect(event.defaultPrevented).toBe(true);
    expect(document.activeElement).toBe(opener());
  });
});

describe('an editor that took it meanwhile keeps it', () => {
  beforeEach(() => focus('editor'));
  test('from a dialog', () => {
    const event = closing();
    giveBack(event);
    expect(event.defaultPrevented).toBe(true);
  });
  test('from a menu', () => {
    giveBackTo(opener())(closing());
    expect(document.activeElement?.id).toBe('editor');
  });
});
