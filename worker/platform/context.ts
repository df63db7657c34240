import type { Permission } from '@gatehouse/core/access/permissions.ts';
import type { BuiltInRole, CustomRole } from '@gatehouse/core/access/permissions.ts';
import type { Scope } from '@gatehouse/core/access/scopes.ts';
import type { AuditOrigin, DraftEvent } from '@gatehouse/core/audit/event.ts';
import type { SignInMethod } from '@gatehouse/core/api/identity.ts';
import type { IdKind } from '@gatehouse/core/ids.ts';
import type { WorkspaceUsage } from '@gatehouse/core/protocol/workspace-usage.ts';
import type { Settings } from './env.ts';
import type { Proof } from './proof.ts';
import type { DeriveRequest, LedgerObject, OutboxBatch, RecordingIndexObject } from './objects.ts';
import type {
  AppFacts,
  AppRequestFacts,
  ControlFacts,
  LinkFacts,
  StreamFacts,
  TunnelFacts,
  ViewerSocketFacts,
  WatcherFacts,
} from './socket-facts.ts';
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

export interface ConnectionPlace {
  workspaceId: string;
  connectionId: string;
}

/** How long a connection may last, and stay unused. */
export interface ConnectionBounds extends ConnectionPlace {
  /** ISO */
  endsAt: string;
  idleMinutes: number;
  /** ISO; when a passkey must have been shown again; null: the policy does not ask for it */
  presenceUntil: string | null;
}

/** What the Worker tells runners and open sockets. */
export interface WorkspacePort {
  /** tells the runner, if it is connected, that what the tenant wants of this workspace changed */
  order(shard: string, runnerId: string, workspaceId: string): Promise<void>;
  /** gives out the runner's free places and sends the orders that go with them; Idempotent */
  dispatch(shard: string, runnerId: string): Promise<void>;
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
  /** what its workspaces use, as the runner told last; those that it has told nothing of lately are left out */
  usage(shard: string, runnerId: string, workspaceIds: readonly string[]): Promise<Record<string, WorkspaceUsage>>;
  /** a line for all terminals of a workspace, if its runner is there and takes such lines */
  notice(shard: string, runnerId: string, workspaceId: string, text: string): Promise<void>;
  connectWorkspace(shard: string, workspaceId: string, facts: LinkFacts | ViewerSocketFacts | TunnelFacts | StreamFacts): Promise<Response>;
  /** begins a session of a web app. @returns why not, null when it has begun */
  enterApp(facts: AppFacts, cookieHash: string): Promise<string | null>;
  /** hands a request on an app's host to the object that knows its session */
  askApp(shard: string, workspaceId: string, request: Request, facts: AppRequestFacts): Promise<Response>;
  /** sends the runner all that is wanted of it, now that it is confirmed */
  refreshRunner(shard: string, runnerId: string): Promise<void>;
  /** closes a removed runner's sockets */
  removeRunner(shard: string, runnerId: string): Promise<void>;
  /**
   * Closes the browsers' sockets of these connections with 4403, and keeps out those on their way. `cause` goes to the
   * person and into the trail. @returns the connections whose object could not be reached
   */
  closeConnections(shard: string, connections: readonly ConnectionPlace[], cause: string): Promise<string[]>;
  /** tells objects that access lapses sooner than they know. @returns the connections whose object could not be reached */
  expectLapses(shard: string, connections: ReadonlyArray<ConnectionPlace & { lapsesAt: string }>): Promise<string[]>;
  /** other bounds for connections that stay open: their policy changed. @returns those whose object could not be reached */
  boundConnections(shard: string, connections: readonly ConnectionBounds[]): Promise<string[]>;
}

/** What looks at open connections again once somebody's access may have become less. */
export interface RevocationPort {
  /** Closes what is not allowed any more, with 4403, and removes the task. Idempotent; the sweep repeats it. */
  run(shard: string, tenantId: string, taskId: string): Promise<void>;
  /** for the object that keeps these connections, once one of them may have lapsed */
  lookAgain(shard: string, tenantId: string, connectionIds: readonly string[]): Promise<LookedAgain>;
}

/** Each connection stands at least until then (ISO), or has ended for that cause. */
export type LookedAgain = Array<
  { connectionId: string; lapsesAt: string; cause: null } | { connectionId: string; lapsesAt: null; cause: string }
>;

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
  /** counts what is not refused as an attempt but measured out, and says what is left; resetsAt in milliseconds */
  spend(key: string, rule: { limit: number; windowSeconds: number }): Promise<{ remaining: number; resetsAt: number; waitSeconds: number }>;
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
  /** what the ledgers have put away */
  archive: R2Bucket;
  /** sealed slices of recordings */
  recordings: R2Bucket;
  /** sealed chunks of snapshots, of organisations without a bucket of their own */
  snapshots: R2Bucket;
  /** what the terminals of a tenant's managed recordings showed */
  recordingIndex(tenantId: string, shard: string): Omit<RecordingIndexObject, keyof Rpc.DurableObjectBranded>;
  mail: MailPort;
  secrets: Secrets;
  workspaces: WorkspacePort;
  throttle: ThrottlePort;
  /** the TXT records of a name. @throws AppError `unavailable` */
  resolveTxt(name: string): Promise<string[]>;
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
  /** that the browser holds its key, if it sent one */
  proof?: Proof | null;
}

/** How sure we are of the person behind a session. */
export interface Authentication {
  method: SignInMethod;
  /** when they last proved who they are, at sign-in or again; '' long ago */
  at: string;
  /** when they last showed a passkey in this session; null: not in this session */
  presentAt: string | null;
  /** they have a passkey or an authenticator app */
  secondFactor: boolean;
  /** the organisation requires one */
  secondFactorRequired: boolean;
}

/** The API token that somebody acts with. */
export interface ActingToken {
  id: string;
  name: string;
  scopes: ReadonlySet<Scope>;
  expiresAt: string;
}

interface Principal {
  id: string;
  name: string;
  roles: BuiltInRole[];
  customRoles: readonly CustomRole[];
  /** may edit the members of at least one group */
  managesGroups: boolean;
  /** what may be done now: what the roles hold, narrowed to the scopes of the token */
  permissions: ReadonlySet<Permission>;
  /** all that the roles hold: whom they stand above */
  standing: ReadonlySet<Permission>;
}
/** A person, by a session of a browser or by a token: one of both is null. */
export interface UserActor extends Principal {
  type: 'user';
  email: string;
  emailVerified: boolean;
  sessionId: string | null;
  sessionExpiresAt: string | null;
  token: ActingToken | null;
  /** null: it is not by a session that they act */
  authentication: Authentication | null;
  /** when the session began; left out: it is not by a session that they act */
  sessionBeganAt?: string;
  /** thumbprint of the browser's key that the session is bound to (RFC 7638); null or left out: none */
  keyThumbprint?: string | null;
}
/** A robot of the organisation: it has tokens only, and no mailbox. */
export interface ServiceAccountActor extends Principal {
  type: 'service-account';
  email: null;
  emailVerified: false;
  sessionId: null;
  sessionExpiresAt: null;
  token: ActingToken;
  authentication: null;
}
export interface RunnerActor {
  type: 'runner';
  id: string;
  name: string;
}
/** A directory that provisions by SCIM: it may do that, to what is its own, and nothing else. */
export interface ScimClientActor {
  type: 'scim-client';
  /** of the identity provider */
  id: string;
  name: string;
  /** id of the token that it called with */
  tokenId: string;
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
export type Actor = UserActor | ServiceAccountActor | RunnerActor | ScimClientActor | SystemActor | OperatorActor | AnonymousActor;

/** What a use case gets: who asks, for which tenant, and everything it may use. */
export interface Context extends Services {
  /** null where no request caused it: objects, queues, cron */
  request: RequestFacts | null;
  actor: Actor;
  db: TenantDb;
  tenant: { id: string; slug: string; name: string; region: 'auto' | 'eu'; createdAt: string };
}

/** A context whose actor has proved who it is: a person, or a service account. */
export type UserContext = Context & { actor: UserActor | ServiceAccountActor };

/** A person in a browser; `requireSession` makes it of a UserContext. */
export type SessionContext = Context & {
  actor: UserActor & { sessionId: string; sessionExpiresAt: string; token: null; authentication: Authentication };
};
