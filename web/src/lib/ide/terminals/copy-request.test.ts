import { Terminal } from '@xterm/xterm';
import { expect, it } from 'vitest';
import { takeCopies } from './copy-request.ts';

/** What a program that prints this offers for the clipboard, and what it is answered. */
async function printed(output: string, replaying = false): Promise<{ offered: string[]; answers: string[] }> {
  const terminal = new Terminal({ allowProposedApi: true });
  const [offered, answers]: [string[], string[]] = [[], []];
  takeCopies(
    terminal,
    () => replaying,
    (text) => offered.push(text),
  );
  terminal.onData((answer) => answers.push(answer));
  await new Promise<void>((parsed) => terminal.write(output, parsed));
  terminal.dispose();
  return { offered, answers };
}
const copy = (text: string) => `\x1b]52;c;${btoa(text)}\x07`;

it('takes what a program wants on the clipboard', async () => expect((await printed(copy('hello'))).offered).toEqual(['hello']));

it('never answers what is on it', async () => expect(await printed('\x1b]52;c;?\x07')).toEqual({ offered: [], answers: [] }));

it.each(['\x1b]52;c;\x07', '\x1b]52;c;%%\x07', '\x1b]52;c;/w==\x07', '\x1b]52;<;aGk=\x07'])('leaves %j alone', async (output) =>
  expect((await printed(output)).offered).toEqual([]),
);

it('leaves alone what was said before this page looked', async () => expect((await printed(copy('old'), true)).offered).toEqual([]));
