import { taskLine, taskTitle, type FoundTask, type TaskRef } from '@gatehouse/core/protocol/tasks.ts';
import { filesLocated } from '@gatehouse/core/protocol/services.ts';
import { expect, it } from 'vitest';
import type { Sandbox } from '../src/sandbox/driver.ts';
import type { Terminal } from '../src/terminals/terminal.ts';
import { Terminals } from '../src/terminals/terminals.ts';
import { noScreens } from './support/no-screens.ts';
import { isolationMissing, mintPlan, startSandbox, writeHome } from './support/sandbox.ts';

const kind = isolationMissing() === null ? 'bubblewrap' : 'process';
const SIZE = { cols: 200, rows: 50 };

async function withFiles(files: Record<string, string>): Promise<Sandbox> {
  const plan = mintPlan();
  const sandbox = await startSandbox(kind, plan);
  writeHome(plan, files);
  return sandbox;
}

function tasksIn(sandbox: Sandbox): Promise<FoundTask[]> {
  return new Promise((resolve, reject) => {
    let text = '';
    const stream = sandbox.helper.open(
      { method: 'tasks.list' },
      {
        head: (head) => !head.ok && reject(new Error(String(head['message']))),
        data: (bytes) => {
          text += Buffer.from(bytes).toString();
          stream.ack(text.length);
        },
        fin: () => {
          const lines = text
            .trim()
            .split('\n')
            .map((line) => taskLine.parse(JSON.parse(line)));
          resolve(lines.flatMap((line) => ('end' in line ? [] : [line])));
        },
        gone: () => reject(new Error('gone')),
      },
    );
  });
}

const titlesOf = (tasks: FoundTask[]) => tasks.map(taskTitle).sort();
const terminalsOf = (sandbox: Sandbox) => new Terminals(sandbox.helper, { lost: [], keep: () => undefined }, noScreens);
const output = ({ ring }: Terminal) => Buffer.from(ring.read(ring.start, Infinity)).toString();

/** Watches until it has said this, or has ended. */
function until(terminal: Terminal, said: (output: string) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => said(output(terminal)) && resolve();
    terminal.watch({
      get cursor() {
        return terminal.ring.end;
      },
      ...{ size: SIZE, mayDrive: true, typed: () => undefined, tell: () => undefined },
      changed: look,
      over: () => resolve(),
    });
    look();
  });
}

async function run(sandbox: Sandbox, task: TaskRef): Promise<Terminal> {
  const terminal = await terminalsOf(sandbox).open(SIZE, { cwd: '', name: undefined, key: `task.${Math.random()}`, task });
  await until(terminal, () => terminal.info.exit !== null);
  return terminal;
}

it('finds the tasks that files name, at the root and below, and none of what others wrote', async () => {
  const sandbox = await withFiles({
    'package.json': '{"scripts":{"build":"tsc -b","-x":"never"}}',
    'package-lock.json': '{}',
    'web/package.json': '{"scripts":{"dev":"vite"}}',
    'web/pnpm-lock.yaml': '',
    'node_modules/left-pad/package.json': '{"scripts":{"test":"no"}}',
    Makefile:
      'VERSION := 1\n.PHONY: all clean\nall: out.o # everything\nclean:\n\trm -f out.o\nout.o: a.c\n\tcc a.c\n%.o: %.c\nlint:\n\techo $(VERSION)\n',
    'api/Cargo.toml': '[package]\nname = "api"\n',
    'svc/go.mod': 'module svc\n',
    'tool/deno.jsonc': '{ // tasks\n "tasks": { "serve": { "command": "deno run http://x" }, }, }',
    'lib/pyproject.toml':
      '[project.scripts]\nhello = "lib:main"\n[tool.poe.tasks]\nfmt = "ruff format"\n[tool.pdm.scripts]\n_ = {env_file = ".env"}\nstart = {cmd = "flask run"}\n[tool.tox]\nenv_list = ["py312"]\n',
    'broken/package.json': '{',
  });
  const tasks = await tasksIn(sandbox);
  expect(titlesOf(tasks)).toEqual([
    ...['cargo build in api', 'cargo check in api', 'cargo clippy in api', 'cargo run in api', 'cargo test in api'],
    ...['deno serve in tool', 'go build in svc', 'go test in svc', 'go vet in svc'],
    ...['make all', 'make clean', 'make lint', 'npm build', 'pdm start in lib', 'pnpm dev in web'],
    ...['poe fmt in lib', 'python hello in lib', 'tox py312 in lib'],
  ]);
  expect(tasks.find(({ kind, name }) => kind === 'make' && name === 'all')?.detail).toBe('everything');
  expect(tasks.find(({ name }) => name === 'serve')?.detail).toBe('deno run http://x');
});

it('T8: runs a task in its folder on a terminal that ends with it', async () => {
  const sandbox = await withFiles({ 'part/Makefile': 'check:\n\t@echo in $$(basename $$PWD); exit 3\n' });
  const terminal = await run(sandbox, { kind: 'make', folder: 'part', name: 'check' });
  expect(output(terminal)).toContain('in part');
  expect(terminal.info).toMatchObject({ name: 'make check in part', task: { name: 'check' }, exit: { code: 2, signal: null } });
});

it('T8: hands a task’s name to its tool as it is: nothing in it is a line of shell', async () => {
  const sandbox = await withFiles({ Makefile: 'all:\n' });
  const terminal = await run(sandbox, { kind: 'make', folder: '', name: 'x; touch marked; $(touch marked) `touch marked`' });
  expect(terminal.info.exit?.code).toBe(2);
  const located = await sandbox.helper.call({ method: 'files.locate', from: '', names: ['marked', 'Makefile'] });
  expect(filesLocated.parse(located).paths).toEqual([null, 'Makefile']);
});

it('T11: knows which names that programs print are files, and looks nowhere else', async () => {
  const sandbox = await withFiles({ 'app/src/a.ts': '', 'b/x.c': '', 'top.txt': '' });
  const locate = async (from: string, ...names: string[]) =>
    filesLocated.parse(await sandbox.helper.call({ method: 'files.locate', from, names })).paths;
  expect(await locate('app', 'src/a.ts', './src/a.ts', 'a/src/a.ts', 'app/src/a.ts', '../top.txt', 'src', 'none.ts')).toEqual([
    ...['app/src/a.ts', 'app/src/a.ts', 'app/src/a.ts', 'app/src/a.ts', 'top.txt', null, null],
  ]);
  expect(await locate('', 'b/x.c', '~/top.txt', '/etc/passwd', '../../etc/passwd')).toEqual(['b/x.c', 'top.txt', null, null]);
});

it('T9, T10: marks prompts, commands and how they ended, and knows what runs', async () => {
  const sandbox = await withFiles({ 'deep/x': '' });
  const terminals = terminalsOf(sandbox);
  const terminal = await terminals.open(SIZE, { cwd: 'deep', name: 'one', key: 'marks.1' });
  await until(terminal, (said) => said.includes('\x1b]133;B\x07'));
  const [, cwd = '', after] = /Cwd=([^\n]*?)\p{Cc}(.*)/su.exec(output(terminal)) ?? [];
  expect(cwd).toMatch(/\/deep$/);
  expect(after).toContain(']133;A');
  expect(await terminals.foreground(terminal.id)).toMatchObject({ program: null });
  const watcher = {
    cursor: 0,
    size: SIZE,
    mayDrive: true,
    changed: () => undefined,
    typed: () => undefined,
    tell: () => undefined,
    over: () => undefined,
  };
  terminal.input(watcher, 'suite', 0, Buffer.from('(exit 7)\n'));
  await until(terminal, (said) => said.includes('\x1b]133;D;7\x07'));
  expect(output(terminal)).toContain('\x1b]133;C\x07');
  terminal.input(watcher, 'suite', 9, Buffer.from('cat\n'));
  await until(terminal, (said) => said.split('\x1b]133;C\x07').length === 3);
  // The mark stands before the program does.
  await expect.poll(() => terminals.foreground(terminal.id)).toMatchObject({ program: 'cat' });
});

it('T10: keeps colour and icon with a terminal, through another runner', async () => {
  const sandbox = await withFiles({});
  const terminals = terminalsOf(sandbox);
  const terminal = await terminals.open(SIZE, { cwd: '', name: 'one', key: 'look.1' });
  terminals.rename(terminal.id, 'server', { color: 'green', icon: 'server' });
  const memory = { lost: [], keep: () => undefined } as unknown as Parameters<typeof Terminals.adopt>[1];
  const [adopted] = (await Terminals.adopt(sandbox.helper, memory, noScreens)).list();
  expect(adopted).toMatchObject({ name: 'server', look: { color: 'green', icon: 'server' } });
});
