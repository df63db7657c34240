import { createContext } from 'svelte';
import { toast } from 'svelte-sonner';
import type { Workspace } from '@gatehouse/core/api/workspaces.ts';
import { asProblem } from '#lib/api/problem.ts';
import * as workspaces from '#lib/api/workspaces.ts';
import { Resource } from '#lib/resource.svelte.ts';
import { HealthBoard } from './health.svelte.ts';
import type { LiveState } from './watch.svelte.ts';

const PAGE = 100;

/** The workspaces that the page shows, with the verbs that its rows and dialogs use. */
export class WorkspaceList {
  /** everybody's, not only one's own */
  all = $state(false);
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

  /** @throws ApiProblem: the dialog that asks for it shows it */
  async remove(id: string): Promise<void> {
    this.put(await workspaces.remove(id));
  }

  /** Shows a workspace as it is now, at its place or first. */
  put(workspace: Workspace): void {
    const known = this.items.some(({ id }) => id === workspace.id);
    this.resource.value = known ? this.items.map((item) => (item.id === workspace.id ? workspace : item)) : [workspace, ...this.items];
  }

  /** News from the live log of a row. What came to rest is read again, because its other facts changed too. */
  heard(id: string, { generation, phase, step, percent, error, line = null }: LiveState): void {
    const workspace = this.find(id);
    if (workspace === undefined || generation < workspace.generation) return;
    const rested = phase !== workspace.phase && !['queued', 'starting', 'stopping'].includes(phase);
    this.put({ ...workspace, generation, phase, step, percent, error, line });
    if (rested) void this.resource.load();
  }

  async #act(id: string, verb: () => Promise<Workspace>): Promise<void> {
    this.pending = { ...this.pending, [id]: true };
    try {
      this.put(await verb());
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
        { all: this.all, ...(cursor === null ? {} : { cursor }) },
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
