import { createContext } from 'svelte';
import { toast } from '#lib/toast.svelte.ts';
import { goto } from '$app/navigation';
import type { BulkResult } from '@gatehouse/core/api/directory.ts';
import type { Workspace } from '@gatehouse/core/api/workspaces.ts';
import { asProblem } from '#lib/api/problem.ts';
import * as workspaces from '#lib/api/workspaces.ts';
import { Resource } from '#lib/resource.svelte.ts';
import { HealthBoard } from './health.svelte.ts';
import { route } from '#lib/route.ts';
import { dayWords, isoNow } from './state.ts';
import type { LiveState } from './watch.svelte.ts';

const PAGE = 100;
/** how long a deletion can be undone where it was done; after that, in the trash */
const UNDO_MS = 15_000;

/** The workspaces that the page shows, with the verbs that its rows and dialogs use. */
export class WorkspaceList {
  /** everybody's, not only one's own */
  all = $state(false);
  /** those in the trash instead */
  trash = $state(false);
  readonly resource: Resource<Workspace[]> = new Resource(async (signal) => this.#read(signal));
  /** there are more than were asked for */
  hasMore = $state(false);
  /** how many are wanted; they are all read again each time, because they change while one looks */
  #wanted = PAGE;
  /** one that a dialog is about, and that is not among those */
  #apart = $state.raw<Workspace | null>(null);
  readonly health = new HealthBoard();
  /** ids of rows whose request is under way */
  pending = $state<Record<string, boolean>>({});

  get items(): Workspace[] {
    return this.resource.value ?? [];
  }

  find(id: string): Workspace | undefined {
    return this.items.find((workspace) => workspace.id === id) ?? (this.#apart?.id === id ? this.#apart : undefined);
  }

  /** Reads one that the list does not have, so that its dialog opens from an address, too. */
  async bring(id: string): Promise<void> {
    if (this.resource.value === null || this.find(id) !== undefined) return;
    // What is gone or not one's own to see has no dialog.
    this.#apart = await workspaces.get(id).catch(() => null);
  }

  async more(): Promise<void> {
    this.#wanted += PAGE;
    await this.resource.load();
  }

  /** What those that run use, and when they stop. */
  async lookAtHealth(): Promise<void> {
    const running = this.items.filter(({ phase }) => phase === 'running').map(({ id }) => id);
    if (running.length > 0) await this.health.load(running);
  }

  start(id: string): Promise<void> {
    return this.#act(id, () => workspaces.start(id));
  }

  stop(id: string): Promise<void> {
    return this.#act(id, () => workspaces.stop(id));
  }

  restart(id: string): Promise<void> {
    return this.#act(id, () => workspaces.restart(id));
  }

  /** @throws ApiProblem: the dialog that asks for it shows it */
  async transfer(id: string, to: { userId: string; name: string }): Promise<void> {
    this.put(await workspaces.transfer(id, to));
  }

  async rename(id: string, name: string): Promise<void> {
    this.put(await workspaces.rename(id, name));
  }

  /** Into the trash, with a way back. @throws ApiProblem */
  async remove(id: string): Promise<void> {
    const { name, trash } = await workspaces.remove(id);
    this.#drop(id);
    toast(`${name} is in the trash`, {
      ...(trash === null ? {} : { description: `Its files are kept until ${dayWords(trash.until)}.` }),
      duration: UNDO_MS,
      action: { label: 'Undo', onClick: () => void this.restore(id) },
    });
  }

  /** As `remove`, from a row: a problem is told by a toast. */
  async removeAtOnce(id: string): Promise<void> {
    await this.#trying(id, () => this.remove(id));
  }

  /** Out of the trash; asks for another name where its own is taken by now. */
  async restore(id: string): Promise<void> {
    await this.#trying(id, async () => {
      try {
        await this.restoreAs(id, undefined);
      } catch (thrown) {
        if (!asProblem(thrown).errors.some(({ path }) => path === 'name')) throw thrown;
        await goto(route.restoreWorkspace(id));
      }
    });
  }

  /** @throws ApiProblem: the dialog that asks for a name shows it */
  async restoreAs(id: string, name: string | undefined): Promise<void> {
    const workspace = await workspaces.restore(id, name);
    if (this.trash) this.#drop(id);
    else this.put(workspace);
    toast.success(`${workspace.name} is back`, { description: 'It is stopped, as it was.' });
  }

  /** For good. @throws ApiProblem: the dialog that asks for it shows it */
  async purge(id: string): Promise<void> {
    const workspace = await workspaces.purge(id);
    if (workspace.phase === 'deleted') this.#drop(id);
    else this.put(workspace);
  }

  /** Several, one after another, so that each says for itself why it could not be. */
  async stopAll(ids: readonly string[]): Promise<BulkResult> {
    const items: BulkResult['items'] = [];
    for (const id of ids) {
      try {
        this.put(await workspaces.stop(id));
        items.push({ id, ok: true, code: null, reason: null });
      } catch (thrown) {
        const { code, message } = asProblem(thrown);
        items.push({ id, ok: false, code, reason: message });
      }
    }
    return { items };
  }

  #drop(id: string): void {
    this.resource.value = this.items.filter((item) => item.id !== id);
  }

  /** Shows a workspace as it is now, at its place or first. */
  put(workspace: Workspace): void {
    const known = this.items.some(({ id }) => id === workspace.id);
    this.resource.value = known ? this.items.map((item) => (item.id === workspace.id ? workspace : item)) : [workspace, ...this.items];
  }

  /** News from the live log of a row. What came to rest is read again, because its other facts changed too. */
  heard(id: string, { generation, phase, step, percent, error, failure, line = null }: LiveState): void {
    const workspace = this.find(id);
    if (workspace === undefined || generation < workspace.generation) return;
    const rested = phase !== workspace.phase && !['queued', 'starting', 'stopping'].includes(phase);
    const changed = phase !== workspace.phase || step !== workspace.step;
    const changedAt = changed ? isoNow() : workspace.changedAt;
    this.put({ ...workspace, generation, phase, step, percent, error, failure, line, changedAt });
    if (rested) void this.resource.load();
  }

  #act(id: string, verb: () => Promise<Workspace>): Promise<void> {
    return this.#trying(id, async () => this.put(await verb()));
  }

  async #trying(id: string, verb: () => Promise<void>): Promise<void> {
    this.pending = { ...this.pending, [id]: true };
    try {
      await verb();
    } catch (thrown) {
      const problem = asProblem(thrown);
      toast.error(problem.title, { description: problem.message });
    } finally {
      this.pending = { ...this.pending, [id]: false };
    }
  }

  async #read(signal: AbortSignal): Promise<Workspace[]> {
    const items: Workspace[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof workspaces.list>> = await workspaces.list(
        { all: this.all, trash: this.trash, ...(cursor === null ? {} : { cursor }) },
        { signal },
      );
      items.push(...page.items.filter(({ phase }) => phase !== 'deleted'));
      cursor = page.nextCursor;
    } while (cursor !== null && items.length < this.#wanted);
    this.hasMore = cursor !== null;
    return items;
  }
}

/** The list of the page, for the dialogs that are its child routes. */
export const [getWorkspaceList, setWorkspaceList] = createContext<WorkspaceList>();
