import { Terminal } from '@xterm/xterm';
import { beforeEach, expect, it } from 'vitest';
import { commandWords } from './command-words.ts';
import { ShellMarks } from './shell-marks.ts';

let terminal: Terminal;
let marks: ShellMarks;
let now: number;
let replaying: boolean;
let finished: string[];

beforeEach(() => {
  terminal = new Terminal({ cols: 20, rows: 10, allowProposedApi: true });
  [now, replaying, finished] = [1000, false, []];
  marks = new ShellMarks(terminal, {
    now: () => now,
    replaying: () => replaying,
    started: () => undefined,
    finished: (command) => finished.push(`${command.text}: ${commandWords(command)}`),
  });
});
const write = (text: string) => new Promise<void>((parsed) => terminal.write(text, parsed));
const prompt = '\x1b]633;P;Cwd=/home/me/a;b\x07\x1b]133;A\x07$ \x1b]133;B\x07';
const begin = (command: string) => write(`${prompt}${command}\r\n\x1b]133;C\x07`);
const end = (exit: number) => write(`\x1b]133;D;${exit}\x07`);

it('knows a command, what it printed, how it ended and how long it took', async () => {
  await begin('make a very long target');
  expect(marks.running?.text).toBe('make a very long target');
  await write('one\r\ntwo\r\n');
  now += 65_000;
  await end(2);
  expect(finished).toEqual(['make a very long target: Failed with 2 after 1 min 5 s']);
  expect(marks.lastOutput).toBe('one\ntwo');
  expect(marks.running).toBeNull();
  expect(marks.cwd).toBe('/home/me/a;b');
});

it('knows nothing of how long it took where it began before this page looked', async () => {
  replaying = true;
  await begin('ls');
  replaying = false;
  await end(0);
  expect(finished).toEqual(['ls: Finished']);
});

it('finds the command that a line belongs to, and forgets all on a new screen', async () => {
  await begin('first');
  await write('a\r\n');
  await end(0);
  await begin('second');
  expect([marks.at(1)?.text, marks.at(3)?.text]).toEqual(['first', 'second']);
  marks.reset();
  expect([marks.commands, marks.lastOutput]).toEqual([[], null]);
});

it('takes no marks of programs that have the whole screen', async () => {
  await write('\x1b[?1049h');
  await begin('inside');
  expect(marks.commands).toEqual([]);
});
