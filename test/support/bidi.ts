import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** As much of WebDriver BiDi as a story needs: Playwright drives no Firefox of a distribution. */
export interface BidiPage {
  goto(url: string): Promise<void>;
  /** The value of an expression in the page, by JSON. */
  evaluate<T>(expression: string): Promise<T>;
  /** Types where the keyboard is; a name of WebDriver's stands for a key of its own. */
  type(text: string): Promise<void>;
  /** Presses keys at once: `Control`, `p`. */
  press(...keys: string[]): Promise<void>;
  /** Clicks the middle of the first, once that is in sight. */
  click(selector: string): Promise<void>;
  /** What is in the window, as a PNG. */
  screenshot(): Promise<Buffer>;
  end(): Promise<void>;
}

export const KEYS = { Control: '\uE009', Shift: '\uE008', Alt: '\uE00A', Enter: '\uE007', Escape: '\uE00C' } as const;

/** Runs in the page. What moves, is covered or lies outside of the window is waited for; null: in vain. */
async function placeOf(selector: string): Promise<{ x: number; y: number } | null> {
  for (let frames = 600; frames > 0; frames--) {
    const element = document.querySelector(selector);
    if (element !== null) {
      const { x, y, width, height } = element.getBoundingClientRect();
      const at = { x: Math.round(x + width / 2), y: Math.round(y + height / 2) };
      if (element.contains(document.elementFromPoint(at.x, at.y))) return at;
    }
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  return null;
}

/** @param program Firefox of the system */
export async function launchFirefox(program: string): Promise<BidiPage> {
  const profile = mkdtempSync(join(tmpdir(), 'gatehouse-firefox-'));
  const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0'];
  const browser = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: profile },
  });
  const address = await new Promise<string>((resolve, reject) => {
    createInterface(browser.stderr).on('line', (line) => {
      const found = /WebDriver BiDi listening on (ws:\S+)/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    browser.once('exit', (code) => reject(new Error(`Firefox ended with ${code}`)));
  });
  const call = await connect(`${address}/session`);
  await call('session.new', { capabilities: {} });
  const { contexts } = await call<{ contexts: { context: string }[] }>('browsingContext.getTree', {});
  const context = contexts[0]?.context ?? '';
  // What the environment says of the window's size, Firefox does not keep to.
  await call('browsingContext.setViewport', { context, viewport: { width: 1440, height: 900 } });
  const perform = (actions: object[]) => call('input.performActions', { context, actions: [{ type: 'key', id: 'keys', actions }] });
  const page: BidiPage = {
    goto: async (url) => void (await call('browsingContext.navigate', { context, url, wait: 'complete' })),
    evaluate: async <T>(expression: string) => {
      const asked = {
        expression: `(async () => JSON.stringify((await (${expression})) ?? null))()`,
        target: { context },
        awaitPromise: true,
      };
      const { result, exceptionDetails } = await call<{ result?: { value: string }; exceptionDetails?: { text: string } }>(
        'script.evaluate',
        asked,
      );
      if (result === undefined) throw new Error(exceptionDetails?.text ?? 'The page did not answer');
      return JSON.parse(result.value) as T;
    },
    type: async (text) =>
      void (await perform(
        [...text].flatMap((value) => [
          { type: 'keyDown', value },
          { type: 'keyUp', value },
        ]),
      )),
    press: async (...keys) =>
      void (await perform([
        ...keys.map((value) => ({ type: 'keyDown', value })),
        ...keys.toReversed().map((value) => ({ type: 'keyUp', value })),
      ])),
    click: async (selector) => {
      const at = await page.evaluate<{ x: number; y: number } | null>(`(${placeOf})(${JSON.stringify(selector)})`);
      if (at === null) throw new Error(`${selector} does not come to rest in sight`);
      const actions = [
        { type: 'pointerMove', ...at },
        { type: 'pointerDown', button: 0 },
        { type: 'pointerUp', button: 0 },
      ];
      await call('input.performActions', { context, actions: [{ type: 'pointer', id: 'mouse', actions }] });
    },
    screenshot: async () => {
      const { data } = await call<{ data: string }>('browsingContext.captureScreenshot', { context });
      return Buffer.from(data, 'base64');
    },
    end: async () => {
      browser.kill();
      await new Promise((resolve) => browser.once('exit', resolve));
      rmSync(profile, { recursive: true, force: true });
    },
  };
  return page;
}

async function connect(url: string) {
  const socket = new WebSocket(url);
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let last = 0;
  socket.onmessage = ({ data }) => {
    const { id, result, error, message } = JSON.parse(String(data)) as { id: number; result?: unknown; error?: string; message?: string };
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asked?.resolve(result);
    else asked?.reject(new Error(`${error}: ${message}`));
  };
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`Nobody answers at ${url}`));
  });
  return <T>(method: string, params: object): Promise<T> =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve: (value) => resolve(value as T), reject });
      socket.send(JSON.stringify({ id, method, params }));
    });
}
