import { join } from 'node:path';
import type { WorkspaceOrder } from '@gatehouse/core/protocol/runner-control.ts';
import type { Measured } from '../control/usage.ts';
import { messageOf } from '../failure.ts';
import type { Usage } from '../sandbox/driver.ts';
import { loadRecords } from './record.ts';
import { Workspace, type WorkspaceContext } from './workspace.ts';

type Inventory = Workspace['inventory'][];

/** All workspaces of this machine, brought to what the tenant wants. */
export class Supervisor {
  readonly #root: string;
  readonly #context: WorkspaceContext;
  readonly #workspaces = new Map<string, Workspace>();
  readonly #damaged: string[];
  #unlisted: string[] = [];

  /** @param root folder of the workspaces */
  constructor(root: string, context: Omit<WorkspaceContext, 'forgotten'>) {
    this.#root = root;
    this.#context = { ...context, forgotten: (workspaceId) => this.#workspaces.delete(workspaceId) };
    const { records, damaged } = loadRecords(root);
    this.#damaged = damaged;
    for (const record of records) {
      this.#workspaces.set(record.workspaceId, new Workspace(this.#context, join(root, record.workspaceId), record));
    }
  }

  /** Takes over what an earlier runner left running. To be awaited before anything is asked or told. */
  async adopt(): Promise<void> {
    const each = [...this.#workspaces.values()].map((workspace) => workspace.adopt());
    for (const result of await Promise.allSettled(each)) {
      if (result.status === 'rejected') this.#context.log.error(`Taking over a workspace: ${messageOf(result.reason)}`);
    }
  }

  get inventory(): Inventory {
    return [...this.#workspaces.values()].map((workspace) => workspace.inventory);
  }

  get running(): number {
    return [...this.#workspaces.values()].filter((workspace) => workspace.isRunning).length;
  }

  /** terminals whose program runs */
  get terminals(): number {
    return [...this.#workspaces.values()].reduce((sum, { terminals }) => sum + terminals, 0);
  }

  /** What runs, to be measured. */
  get measured(): Measured[] {
    return [...this.#workspaces.values()].flatMap((workspace) => workspace.measured ?? []);
  }

  /** What each running workspace uses now. */
  async usages(): Promise<{ workspaceId: string; usage: Usage }[]> {
    const looks = this.measured.map(async ({ workspaceId, usage }) => ({ workspaceId, usage: await usage().catch(() => null) }));
    return (await Promise.all(looks)).flatMap(({ workspaceId, usage }) => (usage === null ? [] : [{ workspaceId, usage }]));
  }

  /** A line for all terminals of a workspace, if it runs. */
  notice(workspaceId: string, text: string): void {
    this.#workspaces.get(workspaceId)?.notice(text);
  }

  /** Digests of the root file systems that run now. */
  get rootfs(): Set<string> {
    return new Set([...this.#workspaces.values()].flatMap((workspace) => workspace.rootfs ?? []));
  }

  /** What an administrator should know: folders that nobody asks for, or that can't be read. */
  get warnings(): string[] {
    const files = (names: string[], why: string) =>
      names.length === 0 ? [] : [`${names.length} workspace folders ${why}; their files are kept: ${names.join(', ')}`.slice(0, 300)];
    return [
      ...files(this.#unlisted, 'are not known to the platform, or were moved to another runner'),
      ...files(this.#damaged, 'have a damaged record'),
    ];
  }

  /** Takes all that is wanted; a workspace that is not listed is stopped, and its files are kept. */
  reconcile(orders: WorkspaceOrder[]): void {
    const listed = new Set(orders.map((order) => order.workspaceId));
    this.#unlisted = [...this.#workspaces.keys()].filter((workspaceId) => !listed.has(workspaceId));
    for (const workspaceId of this.#unlisted) {
      this.#context.log.warn(`Workspace ${workspaceId} is not known to the platform: stopped, its files are kept`);
      this.#workspaces.get(workspaceId)?.want(null);
    }
    for (const order of orders) this.take(order);
  }

  /** Takes one change. */
  take(order: WorkspaceOrder): void {
    const { workspaceId, name, generation } = order;
    this.#unlisted = this.#unlisted.filter((other) => other !== workspaceId);
    let workspace = this.#workspaces.get(workspaceId);
    if (workspace === undefined) {
      workspace = new Workspace(this.#context, join(this.#root, workspaceId), { workspaceId, name, generation, settled: null });
      this.#workspaces.set(workspaceId, workspace);
    }
    workspace.want(order);
  }

  /** Stops everything and keeps all files. */
  async close(): Promise<void> {
    await Promise.all([...this.#workspaces.values()].map((workspace) => workspace.close()));
  }

  /** Leaves everything running to the next runner; only starts that are under way are broken off. */
  async leave(): Promise<void> {
    await Promise.all([...this.#workspaces.values()].map((workspace) => workspace.leave()));
  }
}
