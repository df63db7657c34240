import { appLabel } from '@gatehouse/core/api/template-apps.ts';
import type { Workspace } from '@gatehouse/core/api/workspaces.ts';
import { portList, type Listener } from '@gatehouse/core/protocol/services.ts';
import type { Services } from '../connection/streams.ts';

/** A port of the workspace as it is shown: those of the template first. */
export interface ShownPort {
  label: string;
  name: string;
  port: number;
  icon: Workspace['apps'][number]['icon'] | null;
  process: string | null;
  listening: boolean;
  /** the workspace keeps its program running, and a log of it */
  kept: boolean;
}

/** What listens in the workspace, as its runner sees it, beside the apps that its template names. */
export class Ports {
  readonly #services: Services;
  readonly #apps: () => Workspace['apps'];
  listeners = $state.raw<readonly Listener[]>([]);
  /** why there is nothing to see: the policy, or a runner of an older release; null: there is */
  refusal = $state<string | null>('The workspace is not connected yet');

  constructor(services: Services, apps: () => Workspace['apps']) {
    this.#services = services;
    this.#apps = apps;
  }

  readonly shown: readonly ShownPort[] = $derived.by(() => {
    const apps = this.#apps();
    const found = (port: number) => this.listeners.find((each) => each.port === port);
    const named = apps.map(({ label, name, port, icon, kept }) => ({
      ...{ label, name, port, icon, process: found(port)?.process ?? null, listening: found(port) !== undefined, kept },
    }));
    const others = this.listeners
      .filter(({ port }) => port >= 1024 && !apps.some((app) => app.port === port))
      .map(({ port, process }) => ({
        label: String(port),
        name: process ?? 'A program',
        port,
        icon: null,
        process,
        listening: true,
        kept: false,
      }));
    return [...named, ...others];
  });

  /** Watches from now on, until the connection ends. */
  watch(): void {
    this.#services.open(
      { method: 'ports.watch' },
      {
        head: () => (this.refusal = null),
        message: (body) => (this.listeners = portList.parse(body).ports),
        ended: ({ message }) => {
          this.listeners = [];
          this.refusal = message;
        },
      },
    );
  }
}

/** Where the log of an app is whose program the workspace keeps running. */
export const appLogPath = (name: string): string => `.local/state/gatehouse/${appLabel(name)}.log`;
