import type { Dotfiles } from '@gatehouse/core/api/ide-settings.ts';
import type { Sandbox } from '../sandbox/driver.ts';
import { hiding } from './hiding.ts';
import { ProgressLines } from './progress.ts';
import { endOf, runProgram } from './run-program.ts';
import type { Start } from './start-order.ts';

const FOLDER = '.dotfiles';
const UNFINISHED = '.gatehouse-dotfiles';

/** In the folder of the dotfiles: their own installer, or else links in the home to each dot file that nothing stands in the way of. */
const INSTALL = `
cd "$HOME/${FOLDER}" || exit 1
for name in install.sh install setup.sh setup bootstrap.sh bootstrap; do
  if [ -f "$name" ]; then
    echo "Running $name"
    if [ -x "$name" ]; then exec "./$name"; else exec bash "$name"; fi
  fi
done
for path in .[!.]*; do
  case "$path" in .git | .gitignore | .gitmodules | .gitattributes | .github) continue ;; esac
  [ -e "$path" ] || continue
  if [ -e "$HOME/$path" ] || [ -L "$HOME/$path" ]; then echo "Left alone, because it is there already: ~/$path"
  else ln -s "${FOLDER}/$path" "$HOME/$path" && echo "Linked ~/$path"; fi
done
`;

/**
 * Brings the owner's own dotfiles into a new home: cloned inside the sandbox through its way to git, then installed. What fails is
 * said in the build log; the workspace starts all the same.
 */
export async function bringDotfiles(start: Start, sandbox: Sandbox): Promise<void> {
  const { dotfiles } = start.order;
  if (dotfiles === undefined || (await sandbox.helper.call({ method: 'files.stat', path: FOLDER })).ok) return;
  start.progress('Bringing your dotfiles', 60);
  const why = await tryTo(start, sandbox, dotfiles);
  start.log.line(
    why === null ? 'Your dotfiles are in place\n' : `Warning: your dotfiles were not brought: ${why}. The workspace starts without them.\n`,
  );
}

/** @returns why it failed; null: it did not */
async function tryTo(start: Start, sandbox: Sandbox, { repository, branch, command }: Dotfiles): Promise<string | null> {
  const { helper } = sandbox;
  await helper.call({ method: 'files.delete', path: UNFINISHED, recursive: true });
  start.log.line(`Cloning your dotfiles from ${repository}\n`);
  const clone = ['git', 'clone', ...(branch === '' ? [] : [`--branch=${branch}`]), '--', repository, UNFINISHED];
  const cloned = await run(start, sandbox, clone);
  if (cloned !== null) return `git ${cloned}`;
  if (!(await helper.call({ method: 'files.rename', from: UNFINISHED, to: FOLDER })).ok)
    return `the clone could not be moved to ~/${FOLDER}`;
  const installed = await run(start, sandbox, ['/bin/bash', '-c', command === '' ? INSTALL : `cd "$HOME/${FOLDER}" && ${command}`]);
  return installed === null ? null : `their installer ${installed}`;
}

async function run(start: Start, sandbox: Sandbox, argv: string[]): Promise<string | null> {
  const hide = hiding(start.order.secrets);
  const log = (raw: string) => start.log.line(hide(raw));
  const { exit } = await runProgram(sandbox, argv, { GIT_TERMINAL_PROMPT: '0' }, new ProgressLines(log, () => undefined), []);
  start.signal.throwIfAborted();
  return exit.code === 0 ? null : endOf(exit);
}
