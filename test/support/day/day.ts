import { cpSync, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { Page } from 'playwright-core';
import { type GitHost, serveGitHost } from './git-host.ts';
import { packProject, packThis } from './git-projects.ts';
import type { Hands } from './hands.ts';
import { type IdeSite, openIde } from '../ide.ts';

/** Where a working day is spent: a workspace that reaches one git host and nothing else, and projects on that host. */
export interface Day {
  site: IdeSite;
  host: GitHost;
  /** folder of a bare repository of the host */
  bare(name: string): string;
  url(name: string): string;
  end(): Promise<void>;
}

const HOST = 'git.example';
/** of the person, for the host; nothing in the workspace may ever see it */
export const SECRET = 'a-token-that-must-stay-outside-0123456789';

const TEST = `import assert from 'node:assert/strict';
import test from 'node:test';
import { parse, stringify } from '../index.js';

test('not a number comes back', () => {
  assert.ok(Number.isNaN(parse(stringify(NaN))));
});

test('a list that holds itself comes back', () => {
  const list = [1];
  list.push(list);
  assert.equal(parse(stringify(list))[1][1][0], 1);
});
`;

export async function openDay(): Promise<Day> {
  const folder = join(inject('stateDir'), 'day-git');
  mkdirSync(folder, { recursive: true });
  const host = await serveGitHost(folder, HOST, `dev:${SECRET}`);
  const bare = (name: string) => join(host.root, 'team', `${name}.git`);
  packProjects(bare);
  const prepare: Parameters<typeof openIde>[2] = {
    environment: host.environment,
    prepare: async (owner) => {
      const values = { egress: 'allow-list', git: { fetch: [], push: [`https://${HOST}/team/*`] } };
      await owner.call('PUT', '/tenant/policy', { values }, { 'If-Match': '"0"' });
      await owner.call('POST', '/me/git-credentials', { host: HOST, username: 'dev', secret: SECRET });
    },
  };
  const site = await openIde('day', {}, prepare);
  return {
    site,
    host,
    bare,
    url: (name) => `https://${HOST}/team/${name}.git`,
    end: async () => {
      await site.end();
      await host.stop();
    },
  };
}

/** JavaScript with a bug and tests, twice; TypeScript; Python; and this repository. */
function packProjects(bare: (name: string) => string): void {
  packProject(bare('devalue'), {
    name: 'devalue',
    without: ['src/base64.test.js', 'src/utils.test.js'],
    files: { 'test/round-trip.test.js': TEST },
    bug: [
      { path: 'package.json', is: '"test": "uvu"', becomes: '"test": "node --test"' },
      { path: 'src/stringify.js', is: '\tNAN,\n', becomes: '' },
      { path: 'src/stringify.js', is: '\t\t\tif (Number.isNaN(number)) return NAN;\n', becomes: '' },
    ],
  });
  cpSync(bare('devalue'), bare('devalue-again'), { recursive: true });
  packProject(bare('entities'), {
    name: 'entities',
    without: ['dist'],
    files: { 'tsconfig.json': '{ "compilerOptions": { "module": "nodenext", "strict": true, "noEmit": true }, "include": ["src"] }\n' },
  });
  packProject(bare('flatted'), { name: 'flatted', without: ['cjs', 'es.js', 'esm.js', 'index.js', 'min.js'] });
  packThis(bare('gatehouse'));
}

/** How many steps each part of a walk took. */
export class Walk {
  readonly hands: Hands;
  readonly parts: Record<string, number> = {};
  #before = 0;

  constructor(hands: Hands) {
    this.hands = hands;
  }

  /** Ends a part: what was done since the last one. */
  readonly part = (name: string): void => {
    this.parts[name] = this.hands.steps - this.#before;
    this.#before = this.hands.steps;
  };
}

/** As when somebody comes back to a workspace on another machine: nothing is open. @param gone folders that are not there any more */
export async function freshDesk({ page, home }: IdeSite, gone: readonly string[]): Promise<void> {
  // The page is still looked after: its git may write there once more meanwhile.
  for (const folder of gone) await rm(join(home, folder), { recursive: true, force: true, maxRetries: 10 });
  await page.evaluate(() => localStorage.clear());
  await page.reload();
  await page.getByText('Connected').first().waitFor();
  await page.locator('.xterm-helper-textarea:focus').waitFor({ state: 'attached' });
}

export const option = (page: Page, name: string | RegExp) => page.getByRole('option', { name }).first();
export const toast = (page: Page, text: string | RegExp) => page.locator('[data-sonner-toast]').getByText(text).first();
