import { appLabel } from '@gatehouse/core/api/template-apps.ts';
import type { Workspace } from '@gatehouse/core/api/workspaces.ts';
import { NO_PORTS, type PortMemory } from './port-memory.ts';
import { portList, type Listener } from '@gatehouse/core/protocol/services.ts';
import type { News } from '../people/news.ts';
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
  /** who may open it now */
  share: Workspace['apps'][number]['share'];
}

const MOST_NAME = 40;

/** What listens in the workspace, as its runner sees it, beside the apps that its template names. */
export class Ports {
  readonly #services: Services;
  readonly #apps: () => Workspace['apps'];
  readonly #tell: (news: News) => void;
  /** ports that listened since this page is open; null: it has not been told yet */
  #known: readonly number[] | null = null;
  /** what somebody calls them here, by port */
  names = $state.raw<Readonly<Record<string, string>>>({});
  /** new ports are not told of */
  muted = $state(false);
  listeners = $state.raw<readonly Listener[]>([]);
  /** why there is nothing to see: the policy, or a runner of an older release; null: there is */
  refusal = $state<string | null>('The workspace is not connected yet');

  constructor(services: Services, apps: () => Workspace['apps'], tell: (news: News) => void, memory: PortMemory = NO_PORTS) {
    this.#services = services;
    this.#apps = apps;
    this.#tell = tell;
    this.names = memory.names;
    this.muted = memory.muted;
  }

  get memory(): PortMemory {
    return { names: { ...this.names }, muted: this.muted };
  }

  /** Calls a port by this name in this browser; empty: by its program's. */
  rename(port: number, name: string): void {
    const others = Object.fromEntries(Object.entries(this.names).filter(([other]) => other !== String(port)));
    const said = name.trim().slice(0, MOST_NAME);
    this.names = said === '' ? others : { ...others, [port]: said };
  }

  readonly shown: readonly ShownPort[] = $derived.by(() => {
    const apps = this.#apps();
    const found = (port: number) => this.listeners.find((each) => each.port === port);
    const named = apps.map(({ label, name, port, icon, kept, share }) => ({
      ...{ label, name, port, icon, process: found(port)?.process ?? null, listening: found(port) !== undefined, kept, share },
    }));
    const others = this.listeners
      .filter(({ port }) => port >= 1024 && !apps.some((app) => app.port === port))
      .map(({ port, process }) => ({
        label: String(port),
        name: this.names[port] ?? process ?? 'A program',
        port,
        icon: null,
        process,
        listening: true,
        kept: false,
        share: 'owner' as const,
      }));
    return [...named, ...others];
  });

  /** Watches from now on, until the connection ends. */
  watch(): void {
    this.#services.open(
      { method: 'ports.watch' },
      {
        head: () => (this.refusal = null),
        message: (body) => this.#listening(portList.parse(body).ports),
        ended: ({ message }) => {
          this.listeners = [];
          this.refusal = message;
        },
      },
    );
  }

  /** Each new one is told of once; what listened before this page looked is no news. */
  #listening(listeners: readonly Listener[]): void {
    this.listeners = listeners;
    const ports = this.shown.filter(({ listening }) => listening);
    const known = this.#known;
    this.#known = [...(known ?? []), ...ports.map(({ port }) => port).filter((port) => known?.includes(port) !== true)];
    if (known === null || this.muted) return;
    for (const { port, name } of ports.filter((each) => !known.includes(each.port)))
      this.#tell({ title: `${name} listens on port ${port}`, detail: 'It can be opened under “Ports”.', weighty: false });
  }
}

/** Where the log of an app is whose program the workspace keeps running. */
export const appLogPath = (name: string): string => `.local/state/gatehouse/${appLabel(name)}.log`;
