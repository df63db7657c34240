import type * as prom from 'prom-client';
import type { EgressCounts } from '../egress/trail.ts';
import type { SentBytes } from '../link/reads.ts';
import type { Usage } from '../sandbox/driver.ts';
import { PLATFORM, VERSION } from '../version.ts';
import { LINKS, type Links } from './links.ts';
import { OUTCOMES, PHASES, type Starts } from './starts.ts';

export interface WorkspaceUsage {
  workspaceId: string;
  usage: Usage;
}

/** Where the figures come from. */
export interface MetricSources {
  links: Links;
  starts: Starts;
  sent: SentBytes;
  egress: EgressCounts;
  workspaces(): { workspaceId: string; phase: 'running' | 'stopped' }[];
  terminals(): number;
  viewers(): number;
  /** numbered reports that the platform has not stored yet */
  reportsWaiting(): number;
  recordingBytes(): number;
  usages(): Promise<WorkspaceUsage[]>;
}

/** a start of an empty template takes less than a second, one that installs a toolchain minutes */
const START_BUCKETS = [0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
const SERVICES = ['files', 'terminals', 'apps', 'other'] as const;

type Values = [value: number, labels?: Record<string, string>][];

/** Figures that are read from where they are counted when somebody asks. The library is loaded only where somebody does. */
class Figures {
  readonly #client: typeof prom;
  readonly registry: prom.Registry;

  constructor(client: typeof prom) {
    this.#client = client;
    this.registry = new client.Registry();
    client.collectDefaultMetrics({ register: this.registry });
  }

  gauge(name: string, help: string, read: () => Values | Promise<Values>, labelNames: string[] = []): void {
    const { Gauge } = this.#client;
    new Gauge({
      ...{ name, help, labelNames, registers: [this.registry] },
      async collect() {
        const values = await read();
        this.reset();
        for (const [value, labels = {}] of values) this.set(labels, value);
      },
    });
  }

  counter(name: string, help: string, read: () => Values | Promise<Values>, labelNames: string[] = []): void {
    const { Counter } = this.#client;
    new Counter({
      ...{ name, help, labelNames, registers: [this.registry] },
      async collect() {
        const values = await read();
        this.reset();
        for (const [value, labels = {}] of values) this.inc(labels, value);
      },
    });
  }

  /** Starts are told as they end. */
  starts(starts: Starts): void {
    const { Counter, Histogram } = this.#client;
    const registers = [this.registry];
    const over = new Counter({
      ...{ name: 'gatehouse_runner_workspace_starts_total', help: 'Starts of workspaces that are over.', registers },
      labelNames: ['outcome'],
    });
    for (const outcome of OUTCOMES) over.inc({ outcome }, 0);
    const took = new Histogram({
      ...{ name: 'gatehouse_runner_workspace_start_duration_seconds', help: 'How long starts took until the workspace ran.', registers },
      buckets: START_BUCKETS,
    });
    starts.finished = (outcome, seconds) => {
      over.inc({ outcome });
      if (outcome === 'running') took.observe(seconds);
    };
  }
}

/**
 * The figures of this runner for Prometheus. Labels name workspaces by their ids: no name, mail address or secret of anybody is in
 * them.
 */
export async function makeMetrics(sources: MetricSources): Promise<prom.Registry> {
  const figures = new Figures(await import('prom-client'));
  const { links, starts, sent, egress } = sources;
  figures.gauge('gatehouse_runner_info', 'Release and platform of the runner.', () => [[1, { version: VERSION, platform: PLATFORM }]], [
    'version',
    'platform',
  ]);
  const perLink = (what: 'open' | 'lost') => () => LINKS.map((link): Values[number] => [links[link][what], { link }]);
  figures.gauge('gatehouse_runner_links', 'Open WebSockets to the platform.', perLink('open'), ['link']);
  figures.counter('gatehouse_runner_link_losses_total', 'WebSockets to the platform that were open and ended.', perLink('lost'), ['link']);
  figures.gauge(
    'gatehouse_runner_workspaces',
    'Workspaces on this machine.',
    () => {
      const phases = sources.workspaces().map((each) => starts.phaseOf(each));
      return PHASES.map((phase) => [phases.filter((each) => each === phase).length, { phase }]);
    },
    ['phase'],
  );
  figures.starts(starts);
  figures.gauge('gatehouse_runner_terminals', 'Terminals whose program runs.', () => [[sources.terminals()]]);
  figures.gauge('gatehouse_runner_viewers', 'Browsers that are connected to workspaces.', () => [[sources.viewers()]]);
  figures.counter(
    'gatehouse_runner_sent_bytes_total',
    'Bytes of workspaces that were sent to browsers.',
    () => SERVICES.map((service) => [sent[service], { service }]),
    ['service'],
  );
  figures.gauge('gatehouse_runner_reports_waiting', 'Reports that the platform has not stored yet.', () => [[sources.reportsWaiting()]]);
  figures.gauge('gatehouse_runner_recording_spool_bytes', 'Bytes of recordings that the platform has not taken yet.', () => [
    [sources.recordingBytes()],
  ]);
  figures.counter('gatehouse_runner_egress_connections_total', 'Connections of workspaces that the proxies let out.', () => [
    [egress.connections],
  ]);
  figures.counter('gatehouse_runner_egress_refusals_total', 'Connections and repositories that the proxies refused.', () => [
    [egress.refused],
  ]);
  addUsage(figures, shared(sources.usages));
  return figures.registry;
}

/** What each running workspace uses, where the machine can tell. */
function addUsage(figures: Figures, usages: () => Promise<WorkspaceUsage[]>): void {
  const each = (what: keyof Usage, scale: number) => async (): Promise<Values> =>
    (await usages()).flatMap(({ workspaceId, usage }): Values => {
      const value = usage[what];
      return value === null ? [] : [[value * scale, { workspace: workspaceId }]];
    });
  const name = (what: string) => `gatehouse_runner_workspace_${what}`;
  figures.counter(name('cpu_seconds_total'), 'Processor time since the workspace was started.', each('cpuMs', 1 / 1000), ['workspace']);
  figures.gauge(name('memory_bytes'), 'Memory that could not be taken back at once.', each('memoryBytes', 1), ['workspace']);
  figures.gauge(name('processes'), 'Processes and threads.', each('processes', 1), ['workspace']);
  figures.gauge(name('disk_bytes'), 'Size of the home, as last measured.', each('diskBytes', 1), ['workspace']);
}

/** Those who ask while it is being answered get the same answer. */
function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | null = null;
  return () => {
    answer ??= ask().finally(() => (answer = null));
    return answer;
  };
}
