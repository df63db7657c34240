import { execFile } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { inject } from 'vitest';
import type { Person } from '../../scripts/api.ts';
import { violations } from './axe.ts';
import { launchBrowser } from './browser.ts';
import { runnersOf, signUp, type RunnerProcesses, startWorkspace } from './product.ts';

const PASSWORD = 'a long enough password';
const run = promisify(execFile);

/** Somebody’s browser at a workspace of a new organisation, and the workspace’s files from behind. */
export interface IdeSite {
  owner: Person;
  workspaceId: string;
  browser: Browser;
  context: BrowserContext;
  page: Page;
  runners: RunnerProcesses;
  /** the home of the workspace, on this machine */
  home: string;
  /** Puts a file into the home, as a program of the workspace would have made it. */
  write(path: string, content: string | Uint8Array): void;
  read(path: string): string;
  /** Runs a program in a folder of the home, as the workspace’s user. @returns what it printed */
  run(folder: string, file: string, ...args: string[]): Promise<string>;
  /** What axe finds on the page as it stands. */
  violations(): Promise<string[]>;
  /** Keeps a picture of the page, in light and dark, where PICTURES names a folder. */
  picture(name: string): Promise<void>;
  end(): Promise<void>;
}

export interface IdeOptions {
  /** of the runner, beside this process’s own */
  environment?: Record<string, string>;
  /** done before there is a workspace */
  prepare?: (owner: Person) => Promise<unknown>;
}

/** Somebody waits for a choice in the editor's list, and looks at it: a tenth of a second passes for the page, which takes no key sooner. */
export async function lookAtChoice(page: Page, name: RegExp): Promise<void> {
  await page.locator('.cm-tooltip-autocomplete:not(.cm-tooltip-autocomplete-disabled)').getByRole('option', { name }).first().waitFor();
  await page.evaluate(() => {
    const { now } = Date;
    Date.now = () => now() + 100;
  });
}

/** @param slug of the organisation; no other file may use it. @param files content by path, there before the page opens */
export async function openIde(
  slug: string,
  files: Record<string, string | Uint8Array> = {},
  { environment = {}, prepare }: IdeOptions = {},
): Promise<IdeSite> {
  const [origin, stateDir] = [inject('origin'), inject('stateDir')];
  const runners = runnersOf(origin, join(stateDir, slug), environment);
  mkdirSync(join(stateDir, slug), { recursive: true });
  const [browser, owner] = await Promise.all([launchBrowser(), signUp(origin, slug, PASSWORD)]);
  await prepare?.(owner);
  await runners.addRunner(owner, 'one');
  const workspaceId = await startWorkspace(owner, 'code');
  const home = join(stateDir, slug, 'runner-one/workspaces', workspaceId, 'home');
  const { uid, gid } = statSync(home);
  const own = (path: string) => {
    if (process.getuid?.() === 0) chownSync(path, uid, gid);
  };
  const makeFolder = (path: string) => {
    const made = mkdirSync(path, { recursive: true });
    for (let folder = path; made !== undefined && folder.length >= made.length; folder = dirname(folder)) own(folder);
  };
  const write = (path: string, content: string | Uint8Array) => {
    const place = join(home, path);
    makeFolder(dirname(place));
    writeFileSync(place, content);
    own(place);
  };
  for (const [path, content] of Object.entries(files)) write(path, content);

  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(`${origin}/signin#org=${slug}&email=owner@${slug}.test&password=${encodeURIComponent(PASSWORD)}`);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL('**/workspaces');
  await page.goto(`${origin}/w/${workspaceId}`);
  await page.getByText('Connected').first().waitFor();

  return {
    owner,
    workspaceId,
    browser,
    context,
    page,
    runners,
    home,
    write,
    read: (path) => readFileSync(join(home, path), 'utf8'),
    run: async (folder, file, ...args) => {
      const environment = { PATH: process.env['PATH'], HOME: home };
      const asUser = process.getuid?.() === 0 ? { uid, gid } : {};
      return (await run(file, args, { cwd: join(home, folder), env: environment, ...asUser })).stdout;
    },
    violations: () => violations(page),
    picture: async (name) => {
      const folder = process.env['PICTURES'];
      if (folder === undefined) return;
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: join(folder, `ide-${name}-${colorScheme}.png`) });
      }
    },
    end: async () => {
      await browser.close();
      await runners.stopRunners();
    },
  };
}
