import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Day, freshDesk, openDay, option as optionOf, SECRET, toast as toastOf, Walk } from '../support/day/day.ts';
import { gitIn, pushAsOther } from '../support/day/git-projects.ts';
import { countPointer, handsAt, placeOf } from '../support/day/hands.ts';
import { type IdeSite, lookAtChoice } from '../support/ide.ts';

/**
 * A working day, as somebody new to it would have it: a project is cloned, a bug found and mended, tried, committed and pushed, and a
 * conflict resolved. Once without the mouse, once with it; how many steps each part takes is counted, and may not grow (docs/ide.md).
 */

/** Limited egress, which the git proxy is for, needs a sandbox with a network of its own. */
const isolates = existsSync('/usr/bin/bwrap');
if (!isolates) process.stderr.write('LEFT OUT: a working day in the IDE, which needs bubblewrap\n');

let day: Day;
let site: IdeSite;
let page: IdeSite['page'];

beforeAll(async () => {
  if (!isolates) return;
  day = await openDay();
  ({ site } = day);
  ({ page } = site);
});
afterAll(async () => {
  await site?.picture('day-last');
  await day?.end();
});

const toast = (text: string | RegExp) => toastOf(page, text);
const option = (name: string | RegExp) => optionOf(page, name);
const exited = (code: number) => page.getByText(`Exited with ${code}`).filter({ visible: true }).first().waitFor();
const tab = (name: RegExp) => page.getByRole('tab', { name }).first();
const change = (name: RegExp) => page.getByRole('treeitem', { name }).first();
const dialog = (name: string | RegExp) => page.getByRole('dialog', { name });
const newest = (name: string, path?: string) =>
  path === undefined ? gitIn(day.bare(name), 'log', '-1', '--format=%s by %an', 'main') : gitIn(day.bare(name), 'show', `main:${path}`);
const asOthersSeeIt = (name: string) =>
  pushAsOther(day.bare(name), 'README.md', (text) => text.replace('# devalue', '# devalue, as others see it'), 'Others');
const MERGED = ['# devalue, as we see it', '# devalue, as others see it'];
const SEARCHES = '[aria-label="Search in all files"] input:focus';
/** the field of the message, while it has the keyboard */
const MESSAGE = 'textarea[aria-label="Message of the commit"]:focus';
const server = (name: string) => page.getByRole('button', { name, exact: true });

/** Steps of the whole day, at most. */
const MOST = {
  clone: { keyboard: 5, mouse: 4 },
  'see the tests fail': { keyboard: 3, mouse: 3 },
  'find it by search': { keyboard: 4, mouse: 3 },
  'go to the definition': { keyboard: 1, mouse: 2 },
  'mend it with completion': { keyboard: 9, mouse: 7 },
  'rename it everywhere, save': { keyboard: 5, mouse: 6 },
  'see the tests pass': { keyboard: 1, mouse: 3 },
  'stage hunks and files': { keyboard: 12, mouse: 5 },
  commit: { keyboard: 3, mouse: 3 },
  push: { keyboard: 1, mouse: 1 },
  'change what others changed, be refused, pull': { keyboard: 12, mouse: 14 },
  'resolve the conflict, commit': { keyboard: 3, mouse: 3 },
  'push the merge': { keyboard: 1, mouse: 1 },
} as const;
const mostOf = (kind: 'keyboard' | 'mouse') => Object.fromEntries(Object.entries(MOST).map(([part, most]) => [part, most[kind]]));

/** No part took more steps than it may, and none was left out. */
function expectFew({ parts }: Walk, most: Record<string, number>): void {
  expect(Object.keys(parts)).toEqual(Object.keys(most));
  const tooMany = Object.entries(parts).filter(([part, steps]) => steps > (most[part] ?? 0));
  expect(tooMany).toEqual([]);
}

/** Where a secret of the person lies in what the workspace sees: its files, and the environment of each program. */
function leaks(): string[] {
  const secrets = [SECRET, Buffer.from(`dev:${SECRET}`).toString('base64')];
  const environments = readdirSync('/proc').flatMap((id) => {
    try {
      return [readFileSync(`/proc/${id}/environ`, 'utf8')];
    } catch {
      return []; // no process, or one that ended meanwhile
    }
  });
  const inside = environments.filter((each) => each.includes(`HOME=/home/dev`) && each.includes('GATEHOUSE_WORKSPACE=code'));
  expect(inside.length).toBeGreaterThan(0);
  const { stdout } = spawnSync('grep', ['-rlF', ...secrets.flatMap((secret) => ['-e', secret]), join(site.home, '..')], {
    encoding: 'utf8',
  });
  return [...stdout.split('\n').filter(Boolean), ...inside.filter((each) => secrets.some((secret) => each.includes(secret)))];
}

describe.runIf(isolates)('a working day', () => {
  test('without the mouse', { timeout: 120_000 }, async () => {
    const walk = new Walk(handsAt(page, 'keyboard'));
    const { hands } = walk;
    const pointer = await countPointer(page);
    await cloneByKeyboard(walk, 'devalue');
    await site.picture('day-cloned');

    await hands.press('Alt+Shift+B');
    await option(/test/).waitFor();
    await hands.type('test');
    await hands.press('Enter');
    await exited(1);
    walk.part('see the tests fail');

    await findByKeyboard(walk, 'stringify(NaN', /round-trip/);
    await server('TypeScript and JavaScript').waitFor();
    await hands.press('F12');
    await tab(/stringify\.js/).waitFor();
    await page.getByText('Ln 19, Col').waitFor();
    walk.part('go to the definition');

    await hands.press('Control+f');
    await hands.type('number === Infinity');
    await hands.press('Enter', 'Escape', 'End', 'Enter');
    await hands.type('if (Number.isNaN(number)) return NAN');
    await lookAtChoice(page, /^NAN/);
    await site.picture('day-completion');
    await hands.press('Enter');
    // It is imported further up.
    await page.getByText('Ln 110, Col').waitFor();
    await hands.type(';');
    walk.part('mend it with completion');

    await hands.press('ArrowLeft');
    await renameByKeyboard(walk, 'NOT_A_NUMBER');
    await hands.press('Control+Shift+B');
    await exited(0);
    walk.part('see the tests pass');

    await hands.press('Control+Shift+G');
    await change(/^stringify\.js/).waitFor();
    await hands.press('ArrowDown');
    await goTo(walk, 'ArrowDown', /^stringify\.js/);
    await hands.press('Enter');
    await page.locator('[data-current]:focus').waitFor();
    expect(await site.violations()).toEqual([]);
    await site.picture('day-hunks');
    await hands.press('Space');
    await page.getByRole('rowgroup', { name: 'Hunk 1 of 1' }).waitFor();
    await page.locator('[data-current]:focus').waitFor();
    await hands.press('Space');
    await page.getByText('Nothing is different here any more').waitFor();
    await hands.press('Control+Shift+G', 'ArrowDown');
    await goTo(walk, 'ArrowUp', /^Changes/);
    await hands.press('Space');
    await change(/^parse\.js.*staged/).waitFor();
    walk.part('stage hunks and files');
    await commitByKeyboard(walk, 'NaN comes back as it was');
    expect(await site.violations()).toEqual([]);
    await site.picture('day-committed');
    await pushByKeyboard(walk, 'devalue', 'NaN comes back as it was');

    asOthersSeeIt('devalue');
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
    await change(/^README\.md/).waitFor();
    await page.locator(MESSAGE).waitFor();
    await hands.type('Ours');
    await hands.press('Control+Enter');
    await page.getByRole('button', { name: 'Push 1 commit' }).waitFor();
    await hands.press('Alt+Shift+P');
    await dialog('The server has commits that are not here').waitFor();
    await site.picture('day-refused');
    await hands.press('Enter');
    await dialog('How are the two branches to come together?').waitFor();
    await hands.press('Enter');
    await page.getByText('1 conflict left').waitFor();
    walk.part('change what others changed, be refused, pull');

    await page.locator('.cm-content:focus').waitFor();
    expect(await site.violations()).toEqual([]);
    await site.picture('day-conflict');
    await hands.press('Alt+Shift+U', 'Alt+Shift+R');
    await change(/^README\.md.*staged/).waitFor();
    await page.locator(MESSAGE).waitFor();
    await hands.press('Control+Enter');
    await page.getByRole('button', { name: 'Push 2 commits' }).waitFor();
    walk.part('resolve the conflict, commit');
    await hands.press('Alt+Shift+P');
    await expect.poll(() => newest('devalue', 'README.md').split('\n').slice(0, 2)).toEqual(MERGED);
    expect(newest('devalue')).toBe("Merge remote-tracking branch 'origin/main' by Olga Owner\n");
    walk.part('push the merge');
    expect(await pointer()).toBe(0);
    expectFew(walk, mostOf('keyboard'));
    expect(leaks()).toEqual([]);
  });

  test('with the mouse', { timeout: 120_000 }, async () => {
    await freshDesk(site, ['devalue']);
    const walk = new Walk(handsAt(page, 'mouse'));
    const { hands } = walk;
    const press = (name: string | RegExp) => hands.click(page.getByRole('button', { name, exact: typeof name === 'string' }).first());
    // With half of the words typed, other files have such a line, too.
    const found = (line: number, text: string) => page.getByTitle(`Line ${line}`, { exact: true }).filter({ hasText: text });
    await press('Git');
    await press('Clone a repository');
    await dialog('Clone a repository').locator('input:focus').waitFor();
    await hands.type(day.url('devalue-again'));
    await press('Clone');
    await dialog('Clone a repository').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Branch main' }).waitFor();
    walk.part('clone');

    await press(/^Tasks/);
    await press(/^Run a task/);
    await hands.click(option(/test/));
    await exited(1);
    walk.part('see the tests fail');

    await press('Search');
    await page.locator(SEARCHES).waitFor();
    await hands.type('stringify(NaN');
    await hands.click(found(6, 'stringify(NaN'));
    await tab(/round-trip/).waitFor();
    walk.part('find it by search');

    const pointAt = async (text: string, line: string) => {
      const target = page.locator('.cm-line', { hasText: line }).first();
      await hands.click(target, { button: 'right', position: { x: await placeOf(target, text), y: 8 } });
    };
    const entry = (name: string) => hands.click(page.getByRole('menuitem', { name }));
    await server('TypeScript and JavaScript').waitFor();
    await pointAt('stringify', 'stringify(NaN');
    expect(await site.violations()).toEqual([]);
    await site.picture('day-menu');
    await entry('Go to the definition');
    await tab(/stringify\.js/).waitFor();
    await page.getByText('Ln 19, Col').waitFor();
    walk.part('go to the definition');

    await hands.click(page.getByRole('textbox', { name: 'Search in all files' }), { clickCount: 3 });
    await hands.type('number === Infinity');
    await hands.click(found(108, 'number === Infinity'));
    await page.getByText('Ln 108, Col').waitFor();
    await hands.click(page.locator('.cm-line', { hasText: 'return POSITIVE_INFINITY;' }), { position: { x: 700, y: 8 } });
    await hands.type('\nif (Number.isNaN(number)) return NAN');
    await hands.click(option(/^NAN/));
    await page.getByText('Ln 110, Col').waitFor();
    await hands.type(';');
    walk.part('mend it with completion');

    await pointAt('NAN', 'return NAN;');
    await entry('Rename the symbol');
    await dialog(/^Rename/).waitFor();
    await hands.type('NOT_A_NUMBER');
    await press('Rename');
    await page.getByText('NAN is now NOT_A_NUMBER').waitFor();
    await hands.click(page.locator('.cm-content'), { button: 'right' });
    await entry('Save the file');
    walk.part('rename it everywhere, save');

    await press(/^Tasks/);
    await press(/^Run npm test.* again/);
    await exited(0);
    await press(/^Tasks/);
    walk.part('see the tests pass');

    await press('Git');
    await hands.click(change(/^stringify\.js/));
    await press('Stage hunk 1');
    await page.getByRole('rowgroup', { name: 'Hunk 1 of 1' }).waitFor();
    await press('Stage hunk 1');
    await page.getByText('Nothing is different here any more').waitFor();
    await change(/^Changes, 2/).hover();
    await hands.click(change(/^Changes, 2/).getByTitle('Stage (Space)'));
    await change(/^parse\.js.*staged/).waitFor();
    walk.part('stage hunks and files');
    const message = page.getByRole('textbox', { name: 'Message of the commit' });
    await hands.click(message);
    await hands.type('NaN comes back as it was');
    await press('Commit');
    await page.getByRole('button', { name: 'Push 1 commit' }).waitFor();
    walk.part('commit');
    await press('Push 1 commit');
    await expect.poll(() => newest('devalue-again')).toBe('NaN comes back as it was by Olga Owner\n');
    walk.part('push');

    asOthersSeeIt('devalue-again');
    await hands.click(page.getByRole('group', { name: 'Beside the editor' }).getByRole('button', { name: 'Files' }));
    await hands.click(change(/^devalue-again/));
    await hands.click(change(/^README\.md/));
    await hands.click(page.locator('.cm-line', { hasText: /^# devalue$/ }), { position: { x: 700, y: 8 } });
    await hands.type(', as we see it');
    await hands.click(page.locator('.cm-content'), { button: 'right' });
    await entry('Save the file');
    await press('Git');
    await hands.click(message);
    await hands.type('Ours');
    await press('Commit everything');
    await press('Push 1 commit');
    await press('Pull');
    await press('Merge');
    await page.getByText('1 conflict left').waitFor();
    walk.part('change what others changed, be refused, pull');
    await press('Take both in conflict 1');
    await press('Mark as resolved');
    await change(/^README\.md.*staged/).waitFor();
    await press('Commit');
    walk.part('resolve the conflict, commit');
    await press('Push 2 commits');
    await expect.poll(() => newest('devalue-again', 'README.md').split('\n').slice(0, 2)).toEqual(MERGED);
    walk.part('push the merge');
    expectFew(walk, mostOf('mouse'));
  });

  const others: Errand[] = [
    {
      ...{ kind: 'TypeScript', name: 'entities', server: 'TypeScript and JavaScript', search: 'escapeText(input)', file: /index\.ts/ },
      ...{
        goal: /escape\.ts/,
        becomes: 'escapeForText',
        changed: { path: 'src/index.ts', text: 'return escapeForText(input)' },
      },
    },
    {
      ...{ kind: 'Python', name: 'flatted', server: 'Python', search: '_wrap(value))', file: /flatted\.py/ },
      ...{ goal: /flatted\.py/, becomes: '_wrapped', changed: { path: 'python/flatted.py', text: 'def _wrapped(value):' } },
    },
    {
      ...{ kind: 'this repository', name: 'gatehouse', server: 'TypeScript and JavaScript', file: /keys\.ts/, goal: /pressed\.ts/ },
      // in two pieces, so that this file is not found
      ...{ search: `${'isForProgram'}(keys))`, becomes: 'belongsToProgram' },
      changed: { path: 'web/src/lib/ide/pressed.ts', text: 'export const belongsToProgram =' },
    },
  ];
  test.each(others)('an errand in $kind', { timeout: 90_000 }, async (errand) => {
    const { name, search, file, goal, becomes, changed } = errand;
    await freshDesk(site, ['devalue-again', ...others.map((other) => other.name)]);
    const walk = new Walk(handsAt(page, 'keyboard'));
    const pointer = await countPointer(page);
    await cloneByKeyboard(walk, name);
    await findByKeyboard(walk, search, file);
    await server(errand.server).waitFor();
    await walk.hands.press('F12');
    await tab(goal).waitFor();
    await page.locator('.cm-content:focus').waitFor();
    walk.part('go to the definition');
    await renameByKeyboard(walk, becomes);
    await walk.hands.press('Control+Shift+G');
    await change(/^Changes/).waitFor();
    await walk.hands.press('ArrowDown', 'Space');
    await change(/^Staged/).waitFor();
    walk.part('stage');
    await commitByKeyboard(walk, `${becomes} says more`);
    await pushByKeyboard(walk, name, `${becomes} says more`);
    expect(newest(name, changed.path)).toContain(changed.text);
    expect(await pointer()).toBe(0);
    expectFew(walk, {
      ...{ clone: 5, 'find it by search': 4, 'go to the definition': 1, 'rename it everywhere, save': 4 },
      ...{ stage: 3, commit: 3, push: 1 },
    });
    await site.picture(`day-${name}`);
  });
});

interface Errand {
  kind: string;
  name: string;
  /** that knows its language */
  server: string;
  search: string;
  /** where that is found, and where what stands there is defined */
  file: RegExp;
  goal: RegExp;
  becomes: string;
  changed: { path: string; text: string };
}

async function cloneByKeyboard({ hands, part }: Walk, name: string): Promise<void> {
  await hands.press('Control+Shift+P');
  await page.getByRole('combobox', { name: 'Search or jump' }).waitFor();
  await hands.type('Clone a repository');
  await option('Clone a repository').waitFor();
  await hands.press('Enter');
  await dialog('Clone a repository').waitFor();
  await hands.type(day.url(name));
  await hands.press('Enter');
  await dialog('Clone a repository').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Branch main' }).waitFor();
  part('clone');
}

async function findByKeyboard({ hands, part }: Walk, text: string, file: RegExp): Promise<void> {
  await hands.press('Control+Shift+F');
  await page.locator(SEARCHES).waitFor();
  await hands.type(text);
  await page.getByText('1 find in 1 file').waitFor();
  await hands.press('ArrowDown', 'Enter');
  await tab(file).waitFor();
  await page.locator('.cm-content:focus').waitFor();
  part('find it by search');
}

async function renameByKeyboard({ hands, part }: Walk, becomes: string): Promise<void> {
  await hands.press('F2');
  await page.getByRole('textbox', { name: 'New name' }).waitFor();
  await hands.type(becomes);
  await site.picture('day-rename');
  await hands.press('Enter');
  await dialog(/^Rename/).waitFor({ state: 'detached' });
  await page.locator('.cm-content').getByText(becomes).first().waitFor();
  await hands.press('Alt+Shift+S');
  part('rename it everywhere, save');
}

/** Presses a key until the list of changes is at that line. */
async function goTo({ hands }: Walk, key: string, name: RegExp): Promise<void> {
  for (let most = 12; (await page.getByRole('treeitem', { name, selected: true }).count()) === 0; most -= 1) {
    if (most === 0) throw new Error(`${key} does not lead to ${String(name)}`);
    await hands.press(key);
  }
}

async function commitByKeyboard({ hands, part }: Walk, message: string): Promise<void> {
  await hands.press('Control+Shift+G');
  await page.locator(MESSAGE).waitFor();
  await hands.type(message);
  await hands.press('Control+Enter');
  await page.getByText(/^Committed [0-9a-f]{7}$/).waitFor();
  await page.getByRole('button', { name: 'Push 1 commit' }).waitFor();
  part('commit');
}

async function pushByKeyboard({ hands, part }: Walk, name: string, subject: string): Promise<void> {
  await hands.press('Alt+Shift+P');
  await toast('Pushed').waitFor();
  expect(newest(name)).toBe(`${subject} by Olga Owner\n`);
  part('push');
}
