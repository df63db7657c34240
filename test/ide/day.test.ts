import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type GitHost, serveGitHost } from '../support/git-host.ts';
import { gitIn, packProject, packThis, pushAsOther } from '../support/git-projects.ts';
import { countPointer, handsAt } from '../support/hands.ts';
import { type IdeSite, openIde } from '../support/ide.ts';

/**
 * A working day, as somebody new to it would have it: a project is cloned, a bug found and mended, tried, committed and pushed, and a
 * conflict resolved. Once without the mouse, once with it; how many steps that takes is counted, and may not grow.
 */

const HOST = 'git.example';
const SECRET = 'gh-a-token-that-must-stay-outside-0123456789';
/** Limited egress, which the git proxy is for, needs a sandbox with a network of its own. */
const isolates = existsSync('/usr/bin/bwrap');
if (!isolates) console.warn('LEFT OUT: a working day in the IDE, which needs bubblewrap');

let site: IdeSite;
let page: IdeSite['page'];
let host: GitHost;

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
const bare = (name: string) => join(host.root, 'team', `${name}.git`);

beforeAll(async () => {
  if (!isolates) return;
  const folder = join(inject('stateDir'), 'day-git');
  mkdirSync(folder, { recursive: true });
  host = await serveGitHost(folder, HOST, `dev:${SECRET}`);
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
  packProject(bare('entities'), {
    name: 'entities',
    without: ['dist'],
    files: { 'tsconfig.json': '{ "compilerOptions": { "module": "nodenext", "strict": true, "noEmit": true }, "include": ["src"] }\n' },
  });
  packProject(bare('flatted'), { name: 'flatted', without: ['cjs', 'es.js', 'esm.js', 'index.js', 'min.js'] });
  packThis(bare('gatehouse'));
  site = await openIde(
    'day',
    {},
    {
      environment: host.environment,
      prepare: async (owner) => {
        const values = { egress: 'allow-list', git: { fetch: [], push: [`https://${HOST}/team/*`] } };
        await owner.call('PUT', '/tenant/policy', { values }, { 'If-Match': '"0"' });
        await owner.call('POST', '/me/git-credentials', { host: HOST, username: 'dev', secret: SECRET });
      },
    },
  );
  ({ page } = site);
});
afterAll(async () => {
  await site?.picture('day-last');
  await site?.end();
  await host?.stop();
});

const toast = (text: string | RegExp) => page.locator('[data-sonner-toast]').getByText(text).first();
const option = (name: string | RegExp) => page.getByRole('option', { name }).first();
const exited = (code: number) => page.getByText(`Exited with ${code}`).first().waitFor();

describe.runIf(isolates)('a working day', () => {
  test('without the mouse', { timeout: 120_000 }, async () => {
    const hands = handsAt(page, 'keyboard');
    const pointer = await countPointer(page);
    const command = async (words: string) => {
      await hands.press('Control+Shift+P');
      await page.getByRole('combobox', { name: 'Search or jump' }).waitFor();
      await hands.type(words);
      await option(words).waitFor();
      await hands.press('Enter');
    };
    const counts: Record<string, number> = {};
    let before = 0;
    const part = (name: string) => {
      counts[name] = hands.steps - before;
      before = hands.steps;
    };

    await command('Clone a repository');
    await page.getByRole('dialog', { name: 'Clone a repository' }).waitFor();
    await hands.type(`https://${HOST}/team/devalue.git`);
    await hands.press('Enter');
    await page.getByRole('button', { name: 'Branch main' }).waitFor();
    part('clone');
    await site.picture('day-cloned');

    await hands.press('Alt+Shift+B');
    await option(/test/).waitFor();
    await hands.type('test');
    await hands.press('Enter');
    await exited(1);
    part('see the tests fail');
    await site.picture('day-failed');

    await hands.press('Control+Shift+F');
    await page.locator('[aria-label="Search in all files"] input:focus').waitFor();
    await hands.type('stringify(NaN');
    await page.getByText('1 find in 1 file').waitFor();
    await hands.press('ArrowDown', 'Enter');
    await page.getByRole('tab', { name: /round-trip/ }).waitFor();
    await page.locator('.cm-content:focus').waitFor();
    part('find it by search');

    await page.getByRole('button', { name: 'TypeScript and JavaScript', exact: true }).waitFor();
    await hands.press('ArrowLeft', 'F12');
    await page.getByRole('tab', { name: /stringify\.js/ }).waitFor();
    await page.getByText('Ln 19, Col').waitFor();
    part('go to the definition');

    await hands.press('Control+f');
    await hands.type('number === Infinity');
    await hands.press('Enter', 'Escape', 'End', 'Enter');
    await hands.type('if (Number.isNaN(number)) return NAN');
    await option(/^NAN/).waitFor();
    await site.picture('day-completion');
    await hands.press('Enter');
    // It is imported further up.
    await page.getByText('Ln 110, Col').waitFor();
    await hands.type(';');
    part('mend it with completion');

    await hands.press('ArrowLeft', 'F2');
    await page.getByRole('textbox', { name: 'New name' }).waitFor();
    await hands.type('NOT_A_NUMBER');
    await site.picture('day-rename');
    await hands.press('Enter');
    await page.getByText('NAN is now NOT_A_NUMBER').waitFor();
    await hands.press('Control+s');
    part('rename it everywhere');

    await hands.press('Control+Shift+B');
    await exited(0);
    part('see the tests pass');

    await hands.press('Control+Shift+G');
    await page.getByRole('textbox', { name: 'Message of the commit' }).waitFor();
    await page.getByRole('treeitem', { name: /^stringify\.js/ }).waitFor();
    const goTo = async (key: string, name: RegExp) => {
      for (let most = 12; (await page.getByRole('treeitem', { name, selected: true }).count()) === 0; most -= 1) {
        if (most === 0) throw new Error(`${key} does not lead to ${String(name)}`);
        await hands.press(key);
      }
    };
    await hands.press('ArrowDown');
    await goTo('ArrowDown', /^stringify\.js/);
    await hands.press('Enter');
    await page.locator('[data-current]:focus').waitFor();
    await site.picture('day-hunks');
    await hands.press('Space');
    await page.getByRole('rowgroup', { name: 'Hunk 1 of 1' }).waitFor();
    await page.locator('[data-current]:focus').waitFor();
    await hands.press('Space');
    await page.getByText('Nothing is different here any more').waitFor();
    part('stage hunks');
    await hands.press('Control+Shift+G', 'ArrowDown');
    await goTo('ArrowUp', /^Changes/);
    await hands.press('Space');
    await page.getByRole('treeitem', { name: /^parse\.js.*staged/ }).waitFor();
    await hands.press('Control+Shift+G');
    await hands.type('NaN comes back as it was');
    await hands.press('Control+Enter');
    await page.getByText(/^Committed [0-9a-f]{7}$/).waitFor();
    part('commit');
    await site.picture('day-committed');

    await hands.press('Alt+Shift+P');
    await toast('Pushed').waitFor();
    expect(gitIn(bare('devalue'), 'log', '-1', '--format=%s by %an', 'main')).toBe('NaN comes back as it was by Olga Owner\n');
    part('push');

    pushAsOther(bare('devalue'), 'README.md', (text) => text.replace('# devalue', '# devalue, as others see it'), 'Others');
    await hands.press('Control+p');
    await page.getByRole('combobox', { name: 'Go to a file' }).waitFor();
    await hands.type('readme');
    await option(/README\.md/).waitFor();
    await hands.press('Enter');
    await page.locator('.cm-content:focus').waitFor();
    await page.getByText('Ln 1, Col 1').waitFor();
    await hands.press('End');
    await hands.type(', as we see it');
    await hands.press('Control+s', 'Control+Shift+G');
    await page.getByRole('treeitem', { name: /^README\.md/ }).waitFor();
    await hands.type('Ours');
    await hands.press('Control+Enter');
    await page.getByRole('button', { name: 'Push 1 commit' }).waitFor();
    await hands.press('Alt+Shift+P');
    await page.getByRole('dialog', { name: 'The server has commits that are not here' }).waitFor();
    await site.picture('day-refused');
    await hands.press('Enter');
    await page.getByRole('dialog', { name: 'How are the two branches to come together?' }).waitFor();
    await hands.press('Enter');
    await page.getByText('A merge is under way').waitFor();
    part('be refused, and pull');
    await site.picture('day-merging');

    await page.getByText('1 conflict left').waitFor();
    await page.locator('.cm-content:focus').waitFor();
    await site.picture('day-conflict');
    await hands.press('Alt+Shift+U', 'Alt+Shift+R');
    await page.getByRole('treeitem', { name: /^README\.md.*staged/ }).waitFor();
    await hands.press('Control+Enter');
    await page.getByRole('button', { name: 'Push 2 commits' }).waitFor();
    part('resolve the conflict, and commit');
    await hands.press('Alt+Shift+P');
    await toast('Pushed').waitFor();
    await expect
      .poll(() => gitIn(bare('devalue'), 'show', 'main:README.md').split('\n').slice(0, 2))
      .toEqual(['# devalue, as we see it', '# devalue, as others see it']);
    part('push it');
    console.log(counts, hands.steps);
    expect(await pointer()).toBe(0);
  });
});
