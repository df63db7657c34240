import { z } from 'zod';

/** SPEC W and K: what each side keeps to, and the broker enforces whoever lies. Bytes, or milliseconds for `…Within`. */
export const LIMITS = {
  viewers: 16,
  payload: 64 * 1024,
  /** of the viewer that drives, and of each that only watches */
  window: 1024 * 1024,
  passiveWindow: 192 * 1024,
  ackEvery: 64 * 1024,
  ackWithin: 1000,
  /** open streams of one viewer */
  streams: 256,
  /** the broker asks for an echo after so much */
  markEvery: 64 * 1024,
  /** not echoed: of one viewer, either way, and of all sockets of a workspace */
  heldBySocket: 1280 * 1024,
  heldByWorkspace: 4 * 1024 * 1024,
  /** an echo that is owed for so long belongs to a socket that died silently */
  echoWithin: 3 * 60_000,
  /** viewers of one workspace that may join within a minute */
  joinsPerMinute: 120,
} as const;

/** Control frames (`control`, stream 0, viewer 0): JSON in clear between one peer and the broker. */

const viewer = z.number().int().min(1).max(65535);
const nonce = z.number().int().min(0).max(0xffffffff);

/** SPEC K2: by the echo the broker knows how much of what it sent has left it. */
const mark = z.object({ kind: z.literal('mark'), nonce });
const echo = z.object({ kind: z.literal('echo'), nonce });

/** Broker → browser. */
export const toViewer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('welcome'), viewer }),
  /** before the close frame, with its code: a browser reports a close only when the TCP connection has ended */
  z.object({ kind: z.literal('closing'), code: z.number().int() }),
  mark,
]);
export type ToViewer = z.infer<typeof toViewer>;

/** Browser → broker. */
export const fromViewer = echo;
export type FromViewer = z.infer<typeof fromViewer>;

/** Broker → runner, on the workspace link. The first two are the challenge of its identity key. */
export const toRunnerLink = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('challenge'), nonce: z.string() }),
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('joined'), viewer }),
  z.object({ kind: z.literal('left'), viewer }),
  mark,
]);
export type ToRunnerLink = z.infer<typeof toRunnerLink>;

/** Runner → broker, on the workspace link. */
export const fromRunnerLink = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('proof'), signature: z.string() }),
  /** its grant and its proof were good: for the audit log */
  z.object({ kind: z.literal('admitted'), viewer }),
  /** closes that viewer's socket */
  z.object({ kind: z.literal('refuse'), viewer, reason: z.string().max(120) }),
  /** driving was handed to that viewer: for the audit log */
  z.object({ kind: z.literal('drives'), viewer }),
  echo,
]);
export type FromRunnerLink = z.infer<typeof fromRunnerLink>;

/** What a runner signs to prove its identity key: `context` is the path it dialled. */
export const challengeText = (nonce: string, context: string): string => `gatehouse-runner-proof-v1\n${context}\n${nonce}`;

/** Public half of the key that a browser made and can't give away (ECDSA on P-256), as JWK; what else a browser exports with it is dropped. */
export const browserKey = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  y: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
export type BrowserKey = z.infer<typeof browserKey>;

/** SPEC O4: first sealed frame of a viewer to the runner (`hello`, stream 0). */
export const viewerHello = z.object({
  grant: z.string().max(4096),
  /** of one page, so that input survives a reconnect. Loaded again it is another: what the first sent may still be on its way */
  clientId: z.string().min(8).max(64),
  key: browserKey,
  /** of the browser key over the handshake hash, base64url */
  signature: z.string().max(128),
});
export type ViewerHello = z.infer<typeof viewerHello>;

/** The runner's answer, sealed: what it admitted the viewer to. */
export const runnerHello = z.object({
  workspaceId: z.string(),
  generation: z.number().int(),
  /** home of the workspace as the sandbox sees it, the root of the file tree */
  root: z.string(),
  sandbox: z.enum(['bubblewrap', 'container', 'process']),
  /** number of this viewer */
  viewer,
});
export type RunnerHello = z.infer<typeof runnerHello>;

/** `own`: the owner of the workspace; `join`: somebody who may watch, and drive when the driver hands over. */
export const ACCESS = ['own', 'join'] as const;
export type ViewerAccess = (typeof ACCESS)[number];

/** Claims of the viewer grant: EdDSA JWT, typ `gatehouse-grant+jwt`, at most 60 s, issued at attach. */
export const viewerGrant = z.object({
  iss: z.string(),
  aud: z.string().describe('id of the runner'),
  sub: z.string().describe('id of the user'),
  jti: z.string().describe('id of the connection'),
  workspace: z.string(),
  name: z.string().max(200).describe('of the user, for the others to see'),
  access: z.enum(ACCESS),
  /** RFC 7800, RFC 9449 §6.1: thumbprint of the browser's key */
  cnf: z.object({ jkt: z.string() }),
  exp: z.number(),
  iat: z.number(),
});
export type ViewerGrant = z.infer<typeof viewerGrant>;
export const GRANT_TYPE = 'gatehouse-grant+jwt';

/** SPEC P: who is here, told by the runner to each viewer (`message`, stream 0, sealed) at each change. */
export const presence = z.object({
  kind: z.literal('presence'),
  /** the person whose viewers may type, resize and change files; null: nobody, as while the owner is away */
  driver: z.string().nullable(),
  viewers: z.array(
    z.object({
      viewer,
      userId: z.string(),
      name: z.string(),
      access: z.enum(ACCESS),
      /** asks to drive */
      asks: z.boolean(),
    }),
  ),
});
export type Presence = z.infer<typeof presence>;

/** Something about the workspace that its people should know now, told by the runner to each viewer (`message`, stream 0, sealed). */
export const workspaceNotice = z.object({ kind: z.literal('notice'), text: z.string().max(500) });
export type WorkspaceNotice = z.infer<typeof workspaceNotice>;

/** What a runner says on stream 0 behind its hello. Kinds that a page does not know are for a later one. */
export const toldByRunner = z.discriminatedUnion('kind', [presence, workspaceNotice]);
