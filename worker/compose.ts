import { newId } from '@gatehouse/core/ids.ts';
import { lookAgain, runRevocation } from './access/revocation.ts';
import type { ConnectionPlace, HashingPort, LedgerPort, MailPort, Services, ThrottlePort, WorkspacePort } from './platform/context.ts';
import { parseSettings, shardsOf, type Env, type Settings } from './platform/env.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { resolveTxt } from './platform/dns.ts';
import { inLanes } from './platform/lanes.ts';
import { log } from './platform/log.ts';
import { deployedMail, localMail } from './platform/mail.ts';
import { appRequest, socketRequest } from './platform/socket-facts.ts';
import { Secrets, wrappingKeys } from './platform/secrets.ts';
import { TenantDb } from './platform/tenant-db.ts';

/** Tenant of the events that belong to no tenant; its outbox lies in the directory. */
export const SYSTEM_TENANT = 'system';
export const DIRECTORY_SHARD = 'directory';

const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));

/** The only place that makes things: bindings and settings in, services out. */
export function compose(env: Env, defer: (work: Promise<unknown>) => void): Services {
  const services: Services = {
    ...portsOf(env, defer),
    revocation: {
      run: (shard, tenantId, taskId) => runRevocation(services, shard, tenantId, taskId),
      lookAgain: (shard, tenantId, connectionIds) => lookAgain(services, shard, tenantId, connectionIds),
    },
  };
  return services;
}

function portsOf(env: Env, defer: (work: Promise<unknown>) => void): Omit<Services, 'revocation'> {
  const settings = parseSettings(env);
  const shards = shardsOf(env);
  const now = () => new Date();
  return {
    settings,
    now,
    random,
    newId: (kind) => newId(kind, Date.now(), random(16)),
    directory: env.DIRECTORY,
    shards,
    tenantDb: (shard, tenantId) => new TenantDb(shardNamed(shards, shard), shard, tenantId),
    systemDb: new TenantDb(env.DIRECTORY, DIRECTORY_SHARD, SYSTEM_TENANT),
    ledger: ledgerPort(env, settings),
    archive: env.AUDIT_ARCHIVE,
    recordings: env.RECORDINGS,
    snapshots: env.SNAPSHOTS,
    recordingIndex: (tenantId, shard) => inRegion(env.RECORDING_INDEX, shard, settings).getByName(tenantId),
    mail: mailPort(env, settings, now),
    secrets: new Secrets(wrappingKeys(settings), random),
    workspaces: workspacePort(env, settings),
    throttle: throttlePort(env),
    resolveTxt: (name) => resolveTxt(settings, name),
    hashing: hashingPort(env, settings),
    defer,
    log,
  };
}

/** @throws AppError `not-signed-in`: only a credential names a shard, and this one names none of ours */
export function shardNamed(shards: Map<string, D1Database>, name: string): D1Database {
  const d1 = shards.get(name);
  if (!d1) throw new AppError('not-signed-in', 'The credential is not valid');
  return d1;
}

/** Objects of a tenant in the EU stay there: the shard tells the region, and the region the jurisdiction. */
export function inRegion<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  shard: string,
  settings: Settings,
): DurableObjectNamespace<T> {
  const region = new Map(settings.SHARD_REGIONS.split(',').map((pair) => pair.split('=') as [string, string])).get(shard);
  return region === 'eu' ? namespace.jurisdiction('eu') : namespace;
}

export const ledgerOf = (env: Env, settings: Settings, shard: string, tenantId: string) =>
  inRegion(env.AUDIT_LEDGER, shard, settings).getByName(tenantId);
export const runnerOf = (env: Env, settings: Settings, shard: string, runnerId: string) =>
  inRegion(env.RUNNER, shard, settings).getByName(runnerId);
export const workspaceOf = (env: Env, settings: Settings, shard: string, workspaceId: string) =>
  inRegion(env.WORKSPACE, shard, settings).getByName(workspaceId);

function ledgerPort(env: Env, settings: Settings): LedgerPort {
  return {
    append: (tenantId, shard, batches) => ledgerOf(env, settings, shard, tenantId).append({ tenantId, shard, source: 'api', batches }),
    tell: (tenantId, shard, source, events) =>
      ledgerOf(env, settings, shard, tenantId).append({ tenantId, shard, source, batches: [{ outboxId: source, events }] }),
    open: (tenantId, shard) => ledgerOf(env, settings, shard, tenantId),
  };
}

/** Objects that are told at the same time. */
const TOLD_AT_ONCE = 50;

/** Calls each connection's object, a second time where the first call failed. @returns the connections whose object failed twice */
async function unreached<T extends ConnectionPlace>(connections: readonly T[], tell: (connection: T) => Promise<void>): Promise<string[]> {
  const failed = await inLanes(TOLD_AT_ONCE, connections, (each) => tell(each).catch(() => tell(each)));
  return failed.map(({ item }) => item.connectionId);
}

function workspacePort(env: Env, settings: Settings): WorkspacePort {
  const revoke = (shard: string, workspaceId: string, connectionId: string, cause: string) =>
    workspaceOf(env, settings, shard, workspaceId).revoke(connectionId, cause);
  return {
    order: (shard, runnerId, workspaceId) => runnerOf(env, settings, shard, runnerId).order(workspaceId),
    dispatch: (shard, runnerId) => runnerOf(env, settings, shard, runnerId).dispatch(),
    refreshRunner: (shard, runnerId) => runnerOf(env, settings, shard, runnerId).refresh(),
    stop: (shard, workspaceId) => workspaceOf(env, settings, shard, workspaceId).stop(),
    logs: (shard, runnerId, workspaceId, from) => runnerOf(env, settings, shard, runnerId).logs(workspaceId, from),
    usage: (shard, runnerId, workspaceIds) => runnerOf(env, settings, shard, runnerId).usage(workspaceIds),
    notice: (shard, runnerId, workspaceId, text) => runnerOf(env, settings, shard, runnerId).notice(workspaceId, text),
    connectRunner: (shard, runnerId, facts) => runnerOf(env, settings, shard, runnerId).fetch(socketRequest(facts)),
    connectWorkspace: (shard, workspaceId, facts) => workspaceOf(env, settings, shard, workspaceId).fetch(socketRequest(facts)),
    enterApp: (facts, cookieHash) => workspaceOf(env, settings, facts.shard, facts.workspaceId).enterApp(cookieHash, facts),
    askApp: (shard, workspaceId, request, facts) => workspaceOf(env, settings, shard, workspaceId).fetch(appRequest(request, facts)),
    removeRunner: (shard, runnerId) => runnerOf(env, settings, shard, runnerId).remove(),
    closeConnections: (shard, connections, cause) =>
      unreached(connections, ({ workspaceId, connectionId }) => revoke(shard, workspaceId, connectionId, cause)),
    boundConnections: (shard, connections) =>
      unreached(connections, ({ workspaceId, connectionId, ...bounds }) =>
        workspaceOf(env, settings, shard, workspaceId).bound(connectionId, bounds),
      ),
    expectLapses: (shard, connections) =>
      unreached(connections, ({ workspaceId, connectionId, lapsesAt }) =>
        workspaceOf(env, settings, shard, workspaceId).expectLapse(connectionId, Date.parse(lapsesAt)),
      ),
  };
}

function throttlePort(env: Env): ThrottlePort {
  return {
    begin: (key, rule) => env.THROTTLE.getByName(key).begin(rule),
    spend: (key, rule) => env.THROTTLE.getByName(key).spend(rule),
    forget: (key) => env.THROTTLE.getByName(key).forget(),
  };
}

/** Each lane hashes one password at a time in 32 MiB; an isolate has 128 MB, and both lanes may share one. */
const HASHING_LANES = 2;

function hashingPort(env: Env, settings: Settings): HashingPort {
  return {
    derive: async (shard, request) => {
      const lane = `lane-${(random(1)[0] ?? 0) % HASHING_LANES}`;
      const key = await inRegion(env.HASHER, shard, settings).getByName(lane).derive(request);
      if (!key) throw new AppError('unavailable', 'Too many people are signing in at once', { retryAfter: 3 });
      return key;
    },
  };
}

function mailPort(env: Env, settings: Settings, now: () => Date): MailPort {
  return env.MAIL ? deployedMail(env.MAIL, settings.MAIL_FROM) : localMail(env.DIRECTORY, settings, now);
}
