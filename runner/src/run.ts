import { HEARD_BY_RUNNER } from '@gatehouse/core/protocol/heard.ts';
import { UNDERSTOOD } from '@gatehouse/core/api/template-needs.ts';
import { saidDrivers, type Happening, type WorkspaceReport } from '@gatehouse/core/protocol/runner-control.ts';
import { findBuilt } from './built-program.ts';
import { systemClock } from './connection/clock.ts';
import { askRefusal, dialPlatform, dialStreamOf } from './connection/socket.ts';
import { ControlLink } from './control/control-link.ts';
import { measureLoad } from './control/load.ts';
import { LogSender } from './control/log-sender.ts';
import { ReportJournal } from './control/report-journal.ts';
import { UsageTeller } from './control/usage.ts';
import { Failure, messageOf } from './failure.ts';
import { GrantChecker } from './link/grant.ts';
import { theMachine } from './egress/outside.ts';
import { findLimiter } from './limits/limiter.ts';
import { Reads } from './link/reads.ts';
import { enforcesWhat, PolicyChecker } from './link/policy.ts';
import type { Log } from './log.ts';
import { countDials } from './metrics/links.ts';
import { makeMetrics } from './metrics/metrics.ts';
import { serveMetrics, type MetricsAddress } from './metrics/serve.ts';
import { Starts } from './metrics/starts.ts';
import { Recorder } from './recording/recorder.ts';
import { Spool } from './recording/spool.ts';
import { putTo, Uploader } from './recording/uploader.ts';
import { RootfsStore } from './rootfs/store.ts';
import { exchangeWith, remoteOver } from './snapshot/remote.ts';
import { Snapshots } from './snapshot/snapshots.ts';
import { findDrivers } from './sandbox/choose.ts';
import { findParts } from './sandbox/parts.ts';
import { loadConfig } from './state/config.ts';
import { prepareStateFolder, type StateFolder } from './state/folder.ts';
import { KeyRing } from './state/key-ring.ts';
import { lockState } from './state/lock.ts';
import { Supervisor } from './supervisor/supervisor.ts';
import { WorkerScreens } from './terminals/screens/worker-screens.ts';
import { PLATFORM, VERSION } from './version.ts';

export interface RunOptions {
  folder: StateFolder;
  log: Log;
  /** address of the running program, beside which its helper is */
  main: string;
  useBubblewrap: boolean;
  /** socket of the container engine; undefined: it is looked for; `none` */
  engine: string | undefined;
  /** where figures for Prometheus are served; null: nowhere */
  metrics: MetricsAddress | null;
  /** resolves when the operator wants the runner to end, and how */
  interrupted: Promise<Interruption>;
}

/** `handover` leaves workspaces running to the next runner. */
export type Interruption = 'stop' | 'handover';

const REMOVED = 3;
const DAY_MS = 24 * 3600_000;

/** Root file systems that nothing needs any more go; those that run are marked as used. */
function sweepDaily(rootfs: RootfsStore, supervisor: Supervisor, log: Log): NodeJS.Timeout {
  const sweep = () => {
    const inUse = supervisor.rootfs;
    for (const digest of inUse) rootfs.touch(digest);
    rootfs.sweep(Date.now(), inUse).catch((error: unknown) => log.warn(`Old root file systems could not be removed: ${messageOf(error)}`));
  };
  sweep();
  return setInterval(sweep, DAY_MS);
}

/**
 * Serves the tenant's workspaces until it is told to end.
 * @throws Failure when it can't begin, or must not go on
 */
export async function runRunner({ folder, log, main, useBubblewrap, engine, metrics, interrupted }: RunOptions): Promise<void> {
  const config = loadConfig(folder);
  prepareStateFolder(folder);
  const release = lockState(folder);
  try {
    const limiter = findLimiter(folder.root);
    const drivers = await findDrivers(findParts(main), limiter, log, { useBubblewrap, engine, root: folder.root });
    const { url, token, runnerId, issuer, tenant, labels } = config;
    const keys = new KeyRing({ folder, config, clock: systemClock, log });
    const { dial, links } = countDials(keys.gate(dialPlatform(url, token)));
    const platform = {
      dial,
      refusal: askRefusal(url, token),
      clock: systemClock,
      log,
      sign: keys.sign,
      agreement: keys.agreement,
    };
    const grants = new GrantChecker({ keys: config.keys, issuer, runnerId, clock: systemClock });
    const logs = new LogSender();
    const reads = new Reads(systemClock);
    const screens = new WorkerScreens(findBuilt(main, 'gatehouse-screens.js'), log);
    const rootfs = new RootfsStore(folder.rootfs);
    const spool = new Spool(folder.recordings);
    const uploader = new Uploader({ spool, put: putTo(url, token), clock: systemClock, log });
    const recorder = new Recorder({ spool, clock: systemClock, log, closed: () => uploader.wake() });
    const starts = new Starts(systemClock);
    const egress = { connections: 0, refused: 0 };
    const journal = new ReportJournal(folder.reports, systemClock);
    // Until the control link is there, the journal keeps what is to be told.
    let tell = (report: WorkspaceReport): void => void journal.add(report);
    let happened = (body: Happening): boolean => journal.addHappening(body) !== null;
    const enforces = enforcesWhat(drivers.noNetwork === null);
    const { agreement } = keys;
    const snapshots = new Snapshots({
      remote: remoteOver(exchangeWith(url, token), systemClock),
      ...{ clock: systemClock, log, agreement, runnerId, tenantId: tenant.id },
    });
    const supervisor = new Supervisor(folder.workspaces, {
      link: { ...platform, grants, reads },
      dialStream: dialStreamOf(url, token),
      policies: new PolicyChecker({ keys: config.keys, issuer, runnerId, enforces }),
      egress: {
        ...{ outside: theMachine, clock: systemClock, log, runnerId, agreement, counts: egress },
        happened: (workspaceId, egress) => {
          log.debug('The way out of a workspace saw something', { workspace: workspaceId, what: egress.what });
          return happened({ workspaceId, egress });
        },
      },
      log,
      screens,
      recorder,
      drivers,
      rootfs,
      snapshots,
      report: (report) => {
        starts.saw(report);
        tell(report);
      },
      followLog: (workspaceId, buildLog) => logs.follow(workspaceId, buildLog),
      forgetLog: (workspaceId) => logs.forget(workspaceId),
      logChanged: (workspaceId) => logs.changed(workspaceId),
    });
    const figures = () => ({
      ...{ links, starts, egress, sent: reads.totals },
      workspaces: () => supervisor.inventory,
      terminals: () => supervisor.terminals,
      viewers: () => reads.open,
      reportsWaiting: () => journal.pending.length,
      recordingBytes: () => spool.bytes,
      usages: () => supervisor.usages(),
    });
    const server = metrics === null ? null : await serveMetrics(metrics, await makeMetrics(figures()), log);
    log.info(`Runner ${config.name} (${runnerId}) of ${tenant.name}, version ${VERSION}, dials ${url}`, {
      runner: runnerId,
      version: VERSION,
    });
    log.info(`Fingerprint ${keys.fingerprint}`);
    await supervisor.adopt();
    const sweeping = sweepDaily(rootfs, supervisor, log);
    recorder.finishLost();
    uploader.wake();
    let end: (error: Failure) => void = () => undefined;
    const over = new Promise<never>((_, reject) => (end = reject));
    const control = new ControlLink({
      ...platform,
      logs,
      reads,
      journal,
      facts: () => ({
        version: VERSION,
        platform: PLATFORM,
        labels,
        ...saidDrivers(drivers.offered),
        enforces,
        understands: [...UNDERSTOOD, 'snapshots'],
        hears: [...HEARD_BY_RUNNER],
        warnings: [...drivers.warnings, ...supervisor.warnings],
        inventory: supervisor.inventory,
      }),
      load: () => ({ ...measureLoad(folder.root, supervisor.running), warnings: [...drivers.warnings, ...supervisor.warnings] }),
      usage: new UsageTeller({ clock: systemClock, measured: () => supervisor.measured }),
      notice: (workspaceId, text) => supervisor.notice(workspaceId, text),
      wanted: (orders) => supervisor.reconcile(orders),
      order: (order) => supervisor.take(order),
      over: (why, removed) => end(new Failure(why, removed ? REMOVED : 1)),
    });
    tell = (report) => control.report(report);
    happened = (body) => control.happened(body);
    let how: Interruption = 'stop';
    try {
      how = await Promise.race([interrupted, over]);
      log.info(how === 'stop' ? 'Ending: workspaces are stopped, their files are kept' : 'Ending: workspaces run on for the next runner');
    } finally {
      control.stop();
      server?.close();
      keys.stop();
      clearInterval(sweeping);
      await snapshots.stop();
      await (how === 'stop' ? supervisor.close() : supervisor.leave());
      recorder.stop();
      await uploader.stop();
      await screens.close();
      limiter.close();
    }
  } finally {
    release();
  }
}
