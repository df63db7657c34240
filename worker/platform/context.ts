import type { Permission } from '@gatehouse/core/access/permissions.ts';
import type { BuiltInRole } from '@gatehouse/core/access/permissions.ts';
import type { AuditOrigin, DraftEvent } from '@gatehouse/core/audit/event.ts';
import type { SignInMethod } from '@gatehouse/core/api/identity.ts';
import type { IdKind } from '@gatehouse/core/ids.ts';
import type { Settings } from './env.ts';
import type { DeriveRequest, LedgerObject, OutboxBatch } from './objects.ts';
import type { ControlFacts, LinkFacts, ViewerSocketFacts, WatcherFacts } from './socket-facts.ts';
import type { Secrets } from './secrets.ts';
import type { TenantDb } from './tenant-db.ts';

/** Where a tenant's events go after they are committed. */
export interface LedgerPort {
  /** Idempotent. `shard` is where the outbox rows lie; the ledger removes them once it holds the events. */
  append(tenantId: string, shard: string, batches: OutboxBatch[]): Promise<void>;
  /** Idempotent by (source, event id). For an object that keeps its events itself and tells them until this returns. */
  tell(tenantId: string, shard: string, source: string, events: DraftEvent[]): Promise<void>;
  /** the tenant's ledger itself, for the audit capability */
  open(tenantId: string, shard: string): Omit<LedgerObject, keyof Rpc.DurableObjectBranded>;
}

export interface MailPort {
  send(mail: { to: string; subject: string; text: string }): Promise<void>;
}

/** What the Worker tells runners and open sockets. */
export interface WorkspacePort {
  /** tells the runner, if it is connected, that what the tenant wants of this workspace changed */
  order(shard: string, runnerId: string, workspaceId: string): Promise<void>;
  /** closes the sockets of a workspace that is being stopped, with 4410 */
  stop(shard: string, workspaceId: string): Promise<void>;
  /** hands a WebSocket request on to the object that keeps it; `facts` are what the Worker has checked */
  connectRunner(shard: string, runnerId: string, facts: ControlFacts | WatcherFacts): Promise<Response>;
  logs(
    shard: string,
    runnerId: string,
    workspaceId: string,
    from: number,
  ): Promise<{ generation: number; offset: number; text: string; truncated: boolean }>;
  connectWorkspace(shard: string, workspaceId: string, facts: LinkFacts | ViewerSocketFacts): Promise<Response>;
  /** sends the runner all that is wanted of it, now that it is confirmed */
  refreshRunner(shard: string, runnerId: string): Promise<void>;
  /** closes a removed runner's sockets */
  removeRunner(shard: string, runnerId: string): Promise<void>;
  /** closes the browsers' sockets of these connections with 4403; `cause` goes into the trail */
  closeConnections(shard: string, connections: Array<{ workspaceId: string; connectionId: string }>, cause: string): Promise<void>;
  /** closes what these sessions hold open; `all`: of the whole tenant */
  closeSessions(shard: string, tenantId: string, sessionIds: readonly string[] | 'all'): Promise<void>;
}

/** What looks at open connections again once somebody's access may have become less. */
export interface RevocationPort {
  /** Closes what is not allowed any more, with 4403, and removes the task. Idempotent; the sweep repeats it. */
  run(shard: string, tenantId: string, taskId: string): Promise<void>;
}

export interface HashingPort {
  /**
   * Hashes one after the other in a few lanes, so that no number of sign-ins takes the memory or the thread of requests.
   * @returns 32 bytes
   * @throws AppError `unavailable` when too many wait
   */
  derive(shard: string, request: DeriveRequest): Promise<Uint8Array>;
}

export interface ThrottlePort {
  /**
   * Asks before an attempt that costs (a password check, a sign-up).
   * @returns 0 when it may go on, else the seconds to wait
   */
  begin(key: string, rule: { limit: number; windowSeconds: number }): Promise<number>;
  /** forgets what was counted: the attempt was rightful */
  forget(key: string): Promise<void>;
}

/** What every invocation has, whoever caused it. Made only in compose.ts. */
export interface Services {
  settings: Settings;
  now(): Date;
  random(bytes: number): Uint8Array;
  newId(kind: IdKind): string;
  directory: D1Database;
  shards: Map<string, D1Database>;
  tenantDb(shard: string, tenantId: string): TenantDb;
  /** events that belong to no tenant */
  systemDb: TenantDb;
  ledger: LedgerPort;
  mail: MailPort;
  secrets: Secrets;
  workspaces: WorkspacePort;
  throttle: ThrottlePort;
  hashing: HashingPort;
  revocation: RevocationPort;
  /** work that may outlive the answer */
  defer(work: Promise<unknown>): void;
  log(level: 'info' | 'warn' | 'error', message: string, facts?: Record<string, unknown>): void;
}

export interface RequestFacts {
  id: string;
  method: string;
  /** pattern of the route, never the address itself: that may hold ids */
  route: string;
  origin: AuditOrigin;
}

/** How sure we are of the person behind a session. */
export interface Authentication {
  method: SignInMethod;
  /** when they last proved who they are, at sign-in or again; '' long ago */
  at: string;
  /** they have a passkey or an authenticator app */
  secondFactor: boolean;
  /** the organisation requires one */
  secondFactorRequired: boolean;
}

export interface UserActor {
  type: 'user';
  id: string;
  name: string;
  email: string;
  emailVerified: boolean;
  roles: BuiltInRole[];
  permissions: ReadonlySet<Permission>;
  sessionId: string;
  sessionExpiresAt: string;
  authentication: Authentication;
}
export interface RunnerActor {
  type: 'runner';
  id: string;
  name: string;
}
export interface SystemActor {
  type: 'system';
  name: string;
}
export interface OperatorActor {
  type: 'operator';
}
export interface AnonymousActor {
  type: 'anonymous';
  /** what it called itself, e.g. the e-mail address of a failed sign-in */
  name: string;
}
export type Actor = UserActor | RunnerActor | SystemActor | OperatorActor | AnonymousActor;

/** What a use case gets: who asks, for which tenant, and everything it may use. */
export interface Context extends Services {
  /** null where no request caused it: objects, queues, cron */
  request: RequestFacts | null;
  actor: Actor;
  db: TenantDb;
  tenant: { id: string; slug: string; name: string; region: 'auto' | 'eu'; createdAt: string };
}

/** A context whose actor is a signed-in person. */
export type UserContext = Context & { actor: UserActor };
