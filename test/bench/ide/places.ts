import type { BrowserContext, Locator, Page } from 'playwright-core';
import { signInBrowser } from '../../support/browser-session.ts';
import { ACCOUNT } from '../product.ts';
import { serveBare } from './bare/bare.ts';
import type { Setting } from './home.ts';
import { startCodeServer } from './code-server.ts';

/** A page in which a file is typed in, by the same keys and in the same browser as in all others. */
export interface Place {
  name: string;
  /** whether what it scrolls is the browser’s own, so that its frames can be told */
  scrolls: boolean;
  /** @returns what takes the keys, with the file in it */
  open(page: Page, file: string): Promise<Locator>;
}

/** Ours first. */
export interface Places {
  all: Place[];
  end(): Promise<void>;
}

/** @param files by their names; in the home they stand already */
export async function placesOf(
  context: BrowserContext,
  { product, home, options }: Setting,
  files: Record<string, string>,
): Promise<Places> {
  await signInBrowser(context, product.origin, ACCOUNT);
  const bare = await serveBare(context, files);
  const at = async (page: Page, address: string, field: Locator) => {
    await page.goto(address);
    await field.waitFor();
    return field;
  };
  const ours: Place = {
    name: 'gatehouse',
    scrolls: true,
    open: async (page, file) => {
      const address = `${product.origin}/w/${product.workspaceId}`;
      if (page.url() !== address) await page.goto(address);
      await page.getByRole('treeitem', { name: file }).click();
      const field = page.getByRole('textbox', { name: file });
      await field.waitFor();
      return field;
    },
  };
  const codeMirror: Place = {
    name: 'codemirror',
    scrolls: true,
    open: (page, file) => at(page, bare.editor(file), page.getByRole('textbox', { name: file })),
  };
  const field: Place = { name: 'empty field', scrolls: false, open: (page) => at(page, bare.field, page.getByRole('textbox')) };
  const server = await startCodeServer(home.folder, options.peers);
  const codeServer = (address: string): Place => ({
    name: 'code-server',
    scrolls: false,
    open: async (page, file) => {
      await page.goto(address);
      await page.getByRole('treeitem', { name: file }).dblclick();
      const editor = page.locator('.editor-instance').getByRole('textbox').first();
      // What takes the keys may have no size.
      await editor.waitFor({ state: 'attached' });
      await page.locator('.view-line').first().waitFor();
      return editor;
    },
  });
  return {
    all: [ours, codeMirror, field, ...(server === null ? [] : [codeServer(server.address)])],
    end: async () => server?.stop(),
  };
}
