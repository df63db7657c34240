import { isUnder } from '@gatehouse/core/apps/host.ts';
import { sweepRevocations } from './access/sweep.ts';
import { consume } from './audit/consumers.ts';
import { LedgerShell } from './audit/ledger.object.ts';
import { sweepOutbox } from './audit/sweep.ts';
import { app } from './app.ts';
import { compose } from './compose.ts';
import { sweepRefusals } from './directory/policy-refusals.ts';
import { sweepDirectory } from './directory/sweep.ts';
import { HasherShell } from './identity/hasher.object.ts';
import { sweepSessions } from './identity/sweep.ts';
import { ThrottleShell } from './identity/throttle.object.ts';
import { servePage } from './pages.ts';
import { parseSettings, type Env } from './platform/env.ts';
import { log } from './platform/log.ts';
import { serveApp } from './workspaces/app-host.ts';
import { sweepIdleWorkspaces } from './workspaces/auto-stop.ts';
import { sweepDrains } from './workspaces/drain.ts';
import { sweepQueues } from './workspaces/queue.ts';
import { sweepDomains } from './sso/domain-sweep.ts';
import { sweepLeavers } from './workspaces/leavers.ts';
import { sweepTrash } from './workspaces/trash.ts';
import { serveScim } from './scim/scim-app.ts';
import { RecordingIndexShell } from './workspaces/recording-index.object.ts';
import { sweepSchedules } from './workspaces/scheduled-stop.ts';
import { sweepRecordings } from './workspaces/recording-sweep.ts';
import { sweepSnapshots } from './workspaces/snapshot-sweep.ts';
import { RunnerShell } from './workspaces/runner.object.ts';
import { WorkspaceShell } from './workspaces/workspace.object.ts';

export class AuditLedger extends LedgerShell {
  protected override compose = () => compose(this.env, (work) => this.ctx.waitUntil(work));
}
export class Runner extends RunnerShell {
  protected override compose = () => compose(this.env, (work) => this.ctx.waitUntil(work));
}
export class Workspace extends WorkspaceShell {
  protected override compose = () => compose(this.env, (work) => this.ctx.waitUntil(work));
}
export class Throttle extends ThrottleShell {
  protected override compose = () => compose(this.env, (work) => this.ctx.waitUntil(work));
}
export class Hasher extends HasherShell {
  protected override compose = () => compose(this.env, (work) => this.ctx.waitUntil(work));
}
export class RecordingIndex extends RecordingIndexShell {
  protected override compose = () => compose(this.env, (work) => this.ctx.waitUntil(work));
}

export default {
  fetch(request, env, ctx) {
    let appsDomain: string | null;
    try {
      appsDomain = parseSettings(env).APPS_DOMAIN;
    } catch (error) {
      // Nothing is served by a deployment that is not set up; the log says which setting, never its value.
      log('error', String(error));
      return new Response('Gatehouse is not set up. The log of the Worker says what is missing.', { status: 500 });
    }
    const { pathname, host } = new URL(request.url);
    // By host first: what an app answers must never stand where the product does.
    if (appsDomain !== null && isUnder(host, appsDomain)) {
      const services = compose(env, (work) => ctx.waitUntil(work));
      return serveApp(services, request);
    }
    if (pathname.startsWith('/scim/')) {
      const services = compose(env, (work) => ctx.waitUntil(work));
      return serveScim(services, request);
    }
    return pathname.startsWith('/api/') ? app.fetch(request, env, ctx) : servePage(request, env);
  },
  async queue(batch, env, ctx) {
    await consume(
      batch,
      env,
      compose(env, (work) => ctx.waitUntil(work)),
    );
  },
  async scheduled(_event, env, ctx) {
    const services = compose(env, (work) => ctx.waitUntil(work));
    await Promise.all([
      sweepOutbox(services),
      sweepRevocations(services),
      sweepDirectory(services),
      sweepSessions(services),
      sweepIdleWorkspaces(services),
      sweepSchedules(services),
      sweepQueues(services),
      sweepDrains(services),
      sweepTrash(services),
      sweepLeavers(services),
      sweepDomains(services),
      sweepRefusals(services),
      sweepRecordings(services),
      sweepSnapshots(services),
    ]);
  },
} satisfies ExportedHandler<Env>;
