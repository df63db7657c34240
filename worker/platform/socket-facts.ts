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

/** The runner's tunnel for web apps. */
export const tunnelFacts = linkFacts.omit({ version: true }).extend({ kind: z.literal('tunnel') });
/** The runner dials for one WebSocket of an app. */
export const streamFacts = z.object({ kind: z.literal('stream'), stream: z.number().int(), key: z.string() });
/** A request on an app's host: by the hash of its cookie the object knows whose it is. */
export const requestFacts = z.object({
  kind: z.literal('request'),
  cookieHash: z.string(),
  /** `Set-Cookie` that lengthens the cookie's life */
  renewal: z.string(),
  label: z.string(),
  /** of the app's host */
  origin: z.string(),
  /** of the browser */
  ip: z.string().nullable(),
  /** why the request is refused whoever asks; null: it is not. The object knows whom the refusal is to be told of */
  refused: z.string().nullable(),
});
/** A session of a web app. */
export const appFacts = viewerFacts.omit({ kind: true, access: true }).extend({
  kind: z.literal('app'),
  label: z.string(),
  /** for people */
  name: z.string(),
  port: z.number().int(),
  named: z.boolean(),
  /** where requests may come from; null: anywhere */
  networks: z.array(z.string()).nullable(),
});

export type TunnelFacts = z.infer<typeof tunnelFacts>;
export type StreamFacts = z.infer<typeof streamFacts>;
export type AppRequestFacts = z.infer<typeof requestFacts>;
export type AppFacts = z.infer<typeof appFacts>;
export type ControlFacts = z.infer<typeof controlFacts>;
export type WatcherFacts = z.infer<typeof watcherFacts>;
export type LinkFacts = z.infer<typeof linkFacts>;
export type ViewerSocketFacts = z.infer<typeof viewerFacts>;

const HEADER = 'Gatehouse-Facts';

/** The browser's own headers stop at the Worker: an object learns only what was checked. */
export const socketRequest = (facts: ControlFacts | WatcherFacts | LinkFacts | ViewerSocketFacts | TunnelFacts | StreamFacts): Request =>
  new Request('https://object.internal/', { headers: { Upgrade: 'websocket', [HEADER]: encodeURIComponent(JSON.stringify(facts)) } });

/** A request on an app's host, for the object: as it came, with what the Worker knows of it. */
export function appRequest(request: Request, facts: AppRequestFacts): Request {
  const { pathname, search } = new URL(request.url);
  const headers = new Headers(request.headers);
  headers.set(HEADER, encodeURIComponent(JSON.stringify(facts)));
  const { method, body } = request;
  return new Request(`https://object.internal${pathname}${search}`, { method, headers, body, redirect: 'manual' });
}

export const factsOf = <T extends z.ZodType>(request: Request, schema: T): z.infer<T> =>
  schema.parse(JSON.parse(decodeURIComponent(request.headers.get(HEADER) ?? 'null')));
