import type { WorkspaceReport } from '@gatehouse/core/protocol/runner-control.ts';
import { findBuilt } from './built-program.ts';
import { systemClock } from './connection/clock.ts';
import { askRefusal, dialPlatform } from './connection/socket.ts';
import { ControlLink } from './control/control-link.ts';
import { measureLoad } from './control/load.ts';
import { LogSender } from './control/log-sender.ts';
import { ReportJournal } from './control/report-journal.ts';
import { Failure } from './failure.ts';
import { GrantChecker } from './link/grant.ts';
import { ENFORCES, PolicyChecker } from './link/policy.ts';
import type { Log } from './log.ts';
import { Recorder } from './recording/recorder.ts';
import { Spool } from './recording/spool.ts';
import { putTo, Uploader } from './recording/uploader.ts';
import { findDrivers } from './sandbox/choose.ts';
import { findParts } from './sandbox/parts.ts';
import { loadConfig } from './state/config.ts';
import { prepareStateFolder, type StateFolder } from './state/folder.ts';
import { fingerprintOf, loadKeys } from './state/keys.ts';
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
  /** resolves when the operator wants the runner to end, and how */
  interrupted: Promise<Interruption>;
}

/** `handover` leaves workspaces running to the next runner. */
export type Interruption = 'stop' | 'handover';

const REMOVED = 3;

/**
 * Serves the tenant's workspaces until it is told to end.
 * @throws Failure when it can't begin, or must not go on
 */
export async function runRunner({ folder, log, main, useBubblewrap, interrupted }: RunOptions): Promise<void> {
  const config = loadConfig(folder);
  const keys = loadKeys(folder);
  prepareStateFolder(folder);
  const release = lockState(folder);
  try {
    const drivers = findDrivers(findParts(main), log, useBubblewrap);
    const { url, token, runnerId, issuer, tenant, labels } = config;
    const platform = {
      dial: dialPlatform(url, token),
      refusal: askRefusal(url, token),
      clock: systemClock,
      log,
      sign: keys.sign,
      agreement: keys.agreement,
    };
    const grants = new GrantChecker({ keys: config.keys, issuer, runnerId, clock: systemClock });
    const logs = new LogSender();
    const screens = new WorkerScreens(findBuilt(main, 'gatehouse-screens.js'), log);
    const spool = new Spool(folder.recordings);
    const uploader = new Uploader({ spool, put: putTo(url, token), clock: systemClock, log });
    const recorder = new Recorder({ spool, clock: systemClock, log, closed: () => uploader.wake() });
    const journal = new ReportJournal(folder.reports, systemClock);
    // Until the control link is there, the journal keeps what is to be told.
    let tell = (report: WorkspaceReport): void => void journal.add(report);
    const supervisor = new Supervisor(folder.workspaces, {
      link: { ...platform, grants },
      policies: new PolicyChecker({ keys: config.keys, issuer, runnerId }),
      log,
      screens,
      recorder,
      drivers,
      report: (report) => tell(report),
      followLog: (workspaceId, buildLog) => logs.follow(workspaceId, buildLog),
      logChanged: (workspaceId) => logs.changed(workspaceId),
    });
    log.info(`Runner ${config.name} (${runnerId}) of ${tenant.name}, version ${VERSION}, dials ${url}`);
    log.info(`Fingerprint ${fingerprintOf(keys)}`);
    await supervisor.adopt();
    recorder.finishLost();
    uploader.wake();
    let end: (error: Failure) => void = () => undefined;
    const over = new Promise<never>((_, reject) => (end = reject));
    const control = new ControlLink({
      ...platform,
      logs,
      journal,
      facts: () => ({
        version: VERSION,
        platform: PLATFORM,
        labels,
        drivers: drivers.offered,
        enforces: ENFORCES,
        warnings: [...drivers.warnings, ...supervisor.warnings],
        inventory: supervisor.inventory,
      }),
      load: () => measureLoad(folder.root, supervisor.running),
      wanted: (orders) => supervisor.reconcile(orders),
      order: (order) => supervisor.take(order),
      over: (why, removed) => end(new Failure(why, removed ? REMOVED : 1)),
    });
    tell = (report) => control.report(report);
    let how: Interruption = 'stop';
    try {
      how = await Promise.race([interrupted, over]);
      log.info(how === 'stop' ? 'Ending: workspaces are stopped, their files are kept' : 'Ending: workspaces run on for the next runner');
    } finally {
      control.stop();
      await (how === 'stop' ? supervisor.close() : supervisor.leave());
      recorder.stop();
      await uploader.stop();
      await screens.close();
    }
  } finally {
    release();
  }
}
