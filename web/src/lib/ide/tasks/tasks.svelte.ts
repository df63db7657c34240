import { taskLine, taskTitle, type FoundTask, type TaskRef } from '@gatehouse/core/protocol/tasks.ts';
import type { PtyExit } from '@gatehouse/core/protocol/services.ts';
import { wordsOf } from '../connection/stream-error.ts';
import type { Clock } from '../connection/ports.ts';
import type { Services } from '../connection/streams.ts';
import type { Layout } from '../layout/layout.svelte.ts';
import type { Problems } from '../problems/problems.svelte.ts';
import type { Prompts } from '../prompts.svelte.ts';
import type { Tour } from '../tour/tour.svelte.ts';
import { unique } from '../files/paths.ts';
import { withEntry } from '../problems/problem.ts';
import type { Terminal } from '../terminals/terminal.svelte.ts';
import type { Terminals } from '../terminals/terminals.svelte.ts';
import type { XtermScreen } from '../terminals/xterm-screen.ts';
import { lineReader } from './line-reader.ts';

type Shown = Terminal<XtermScreen>;

/** names that are asked for at once */
const MOST_NAMES = 200;

/** A task as it runs, or ran last, in this page. */
export interface TaskRun {
  task: TaskRef;
  terminal: Shown;
  /** milliseconds since the epoch; null: it began before this page looked */
  startedAt: number | null;
  /** milliseconds; null: it runs, or nobody knows */
  took: number | null;
  exit: PtyExit | null;
}

/** One name for a task: what it is called, of which tool, and where. */
export const keyOf = ({ kind, folder, name }: TaskRef): string => JSON.stringify([kind, folder, name]);
const BUILDS = /^(build|compile|all|make|dist)(:|$)/;

/** when a terminal's task began, and how long it took */
const NONE: ReadonlyMap<string, { startedAt: number; took: number | null }> = new Map();

/** What of the IDE it works with. */
interface Surroundings {
  readonly terminals: Terminals<XtermScreen>;
  readonly problems: Problems;
  readonly prompts: Prompts;
  readonly layout: Layout;
  readonly tour: Tour;
  locate(from: string, names: string[]): Promise<(string | null)[]>;
}

/** Tasks that the files of the workspace name: each runs on a terminal of its own. */
export class Tasks {
  readonly #ide: Surroundings;
  readonly #services: Services;
  readonly #clock: Clock;
  found = $state.raw<readonly FoundTask[]>([]);
  state = $state<'unread' | 'reading' | 'read'>('unread');
  /** there are more than are listed */
  truncated = $state(false);
  /** why they could not be read */
  error = $state<string | null>(null);
  open = $state(false);
  #started = $state.raw(NONE);
  /** keys of terminals whose tasks were asked to end */
  #stopping: readonly string[] = [];
  #last = $state.raw<TaskRef | null>(null);

  constructor(ide: Surroundings, services: Services, clock: Clock) {
    this.#ide = ide;
    this.#services = services;
    this.#clock = clock;
  }

  /** those that have a terminal, the newest first */
  readonly runs: readonly TaskRun[] = $derived.by(() =>
    this.#ide.terminals.all
      .flatMap((terminal): TaskRun[] => {
        if (terminal.task === null) return [];
        const { startedAt = null, took = null } = this.#started.get(terminal.key) ?? {};
        return [{ task: terminal.task, terminal, startedAt, took, exit: terminal.exit }];
      })
      .reverse(),
  );
  readonly running: readonly TaskRun[] = $derived(this.runs.filter(({ exit, terminal }) => exit === null && terminal.lost === null));

  runOf(task: TaskRef): TaskRun | null {
    return this.runs.find((run) => keyOf(run.task) === keyOf(task)) ?? null;
  }

  /** Opens the list, read anew. */
  show(): void {
    this.open = true;
    this.read();
  }

  read(): void {
    if (this.state === 'reading') return;
    this.state = 'reading';
    this.error = null;
    const found: FoundTask[] = [];
    const lines = lineReader(taskLine, (line) => {
      if ('end' in line) this.truncated = line.truncated;
      else found.push(line);
    });
    const stream = this.#services.open(
      { method: 'tasks.list' },
      {
        head: () => undefined,
        data: (bytes, offset) => {
          lines(bytes);
          stream?.took(offset + bytes.byteLength);
        },
        finished: () => {
          stream?.done();
          this.found = found.sort(byPlace);
          this.state = 'read';
        },
        ended: (error) => {
          this.state = 'unread';
          this.error = wordsOf(error);
        },
      },
    );
  }

  /** The build, where there is one; else what ran last; else the list. */
  again(): void {
    const build = this.found.find(({ name, folder }) => folder === '' && BUILDS.test(name));
    const task = this.#last ?? build ?? this.runs[0]?.task ?? null;
    if (task === null) this.show();
    else void this.run(task);
  }

  /** Runs a task, on the terminal that it had. Asks first where it runs already. */
  async run(task: TaskRef): Promise<void> {
    const { terminals, prompts, layout, tour } = this.#ide;
    this.open = false;
    const before = this.runOf(task);
    if (before !== null && this.running.includes(before)) {
      terminals.active = before.terminal;
      const answer = await prompts.ask({
        title: `“${taskTitle(task)}” is running`,
        text: 'It can be ended and run again.',
        choices: [{ label: 'Run it again', look: 'primary', value: 'again' }],
      });
      if (answer === null) return;
    }
    const terminal = terminals.run(task, before?.terminal.name ?? taskTitle(task).slice(0, 80), before?.terminal ?? null);
    if (terminal === null) return;
    this.#last = task;
    this.#started = withEntry(this.#started, terminal.key, { startedAt: this.#clock.now(), took: null });
    this.#ide.problems.clear(`task ${keyOf(task)}`);
    tour.did('terminal');
    layout.show('terminals');
  }

  /** Asks a task to end, as Ctrl C does; one that does not is ended when it is asked again. */
  stop({ terminal }: TaskRun): void {
    if (this.#stopping.includes(terminal.key)) return void this.#ide.terminals.close(terminal);
    this.#stopping = [...this.#stopping, terminal.key];
    terminal.input('\u0003');
  }

  /** Its terminal is closed. */
  forget({ task }: Shown): void {
    if (task !== null && this.runOf(task) === null) this.#ide.problems.clear(`task ${keyOf(task)}`);
  }

  /** What a task said has come to rest, or it has ended: its problems are looked for. Call it when that changes. */
  async look(terminal: Shown): Promise<void> {
    const { task, exit, screen } = terminal;
    if (task === null) return;
    const started = this.#started.get(terminal.key);
    if (exit !== null && started !== undefined && started.took === null)
      this.#started = withEntry(this.#started, terminal.key, { ...started, took: this.#clock.now() - started.startedAt });
    const { byPath, problemsIn } = await import('./problem-matchers.ts');
    const printed = problemsIn(screen.lines);
    const names = unique(printed.map(({ name }) => name)).slice(0, MOST_NAMES);
    const paths = names.length === 0 ? [] : await this.#ide.locate(task.folder, names).catch(() => []);
    const files = byPath(printed, (name) => paths[names.indexOf(name)] ?? null);
    this.#ide.problems.replace(`task ${keyOf(task)}`, files);
  }
}

/** Those of the root first. */
const byPlace = (a: FoundTask, b: FoundTask): number =>
  a.folder.split('/').filter(Boolean).length - b.folder.split('/').filter(Boolean).length ||
  a.folder.localeCompare(b.folder) ||
  a.kind.localeCompare(b.kind);
