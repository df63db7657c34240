import { z } from 'zod';
import { ACCESS } from '@gatehouse/core/protocol/connection.ts';

/** What the Worker has checked before an object keeps a socket; parsed again when the object wakes with it. */

const tenancy = { tenantId: z.string(), shard: z.string() };

export const controlFacts = z.object({
  kind: z.literal('control'),
  ...tenancy,
  runnerId: z.string(),
  runnerName: z.string(),
  identityKey: z.string(),
});
/** `from`: bytes of build log that the page has */
export const watcherFacts = z.object({ kind: z.literal('watch'), ...tenancy, workspaceId: z.string(), from: z.number().int().min(0) });
export const linkFacts = z.object({
  kind: z.literal('link'),
  ...tenancy,
  workspaceId: z.string(),
  runnerId: z.string(),
  identityKey: z.string(),
  /** of the protocol, to be echoed; null to a runner that named none */
  version: z.string().nullable(),
});
export const viewerFacts = z.object({
  kind: z.literal('viewer'),
  ...tenancy,
  workspaceId: z.string(),
  workspaceName: z.string(),
  connectionId: z.string(),
  sessionId: z.string(),
  user: z.object({ id: z.string(), name: z.string(), email: z.string() }),
  access: z.enum(ACCESS),
  /** the approved request without which it would not have been allowed; left out by facts of the release before */
  grantId: z.string().nullable().default(null),
  /** of the browser's key, RFC 7638 */
  keyThumbprint: z.string(),
  /** ISO time at which the connection ends, and minutes that it may stay unused; null: no bound */
  endsAt: z.string().nullable().default(null),
  idleMinutes: z.number().nullable().default(null),
  /** ISO time at which a passkey must have been shown again; null: nobody asks */
  presenceUntil: z.string().nullable().default(null),
  /** when access may lapse (ISO); null in what the release before wrote down */
  lapsesAt: z.string().nullable().default(null),
});

export type ControlFacts = z.infer<typeof controlFacts>;
export type WatcherFacts = z.infer<typeof watcherFacts>;
export type LinkFacts = z.infer<typeof linkFacts>;
export type ViewerSocketFacts = z.infer<typeof viewerFacts>;

const HEADER = 'Gatehouse-Facts';

/** The browser's own headers stop at the Worker: an object learns only what was checked. */
export const socketRequest = (facts: ControlFacts | WatcherFacts | LinkFacts | ViewerSocketFacts): Request =>
  new Request('https://object.internal/', { headers: { Upgrade: 'websocket', [HEADER]: encodeURIComponent(JSON.stringify(facts)) } });

export const factsOf = <T extends z.ZodType>(request: Request, schema: T): z.infer<T> =>
  schema.parse(JSON.parse(decodeURIComponent(request.headers.get(HEADER) ?? 'null')));
