import { z } from 'zod';

/** Control frames (`control`, stream 0, viewer 0): JSON between one peer and the broker. */

const viewerFacts = z.object({
  viewer: z.number().int().min(1).max(65535),
  userId: z.string(),
  userName: z.string(),
  connectionId: z.string(),
});
export type ViewerFacts = z.infer<typeof viewerFacts>;

export const LIMITS = { viewers: 16, payload: 64 * 1024, driverWindow: 1024 * 1024, ackEvery: 64 * 1024, ackWithin: 250 } as const;

/** Broker → browser. */
export const toViewer = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('welcome'),
    viewer: z.number().int(),
    limits: z.object({ viewers: z.number(), payload: z.number(), driverWindow: z.number(), ackEvery: z.number(), ackWithin: z.number() }),
  }),
  z.object({ kind: z.literal('presence'), viewers: z.array(viewerFacts) }),
]);
export type ToViewer = z.infer<typeof toViewer>;

/** Broker → runner, on the workspace link. The first two are the challenge of its identity key. */
export const toRunnerLink = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('challenge'), nonce: z.string() }),
  z.object({ kind: z.literal('ready'), viewers: z.array(viewerFacts) }),
  z.object({ kind: z.literal('joined'), viewer: viewerFacts }),
  z.object({ kind: z.literal('left'), viewer: z.number().int() }),
]);
export type ToRunnerLink = z.infer<typeof toRunnerLink>;

/** Runner → broker, on the workspace link. `refuse` closes that viewer's socket. */
export const fromRunnerLink = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('proof'), signature: z.string() }),
  z.object({ kind: z.literal('refuse'), viewer: z.number().int(), reason: z.string().max(120) }),
]);
export type FromRunnerLink = z.infer<typeof fromRunnerLink>;

/** What a runner signs to prove its identity key: `context` is the path it dialled. */
export const challengeText = (nonce: string, context: string): string => `gatehouse-runner-proof-v1\n${context}\n${nonce}`;

/** First frame of a viewer to the runner (`hello`, stream 0). The runner answers `hello` too. */
export const viewerHello = z.object({
  grant: z.string().max(4096),
  /** kept per tab, so that input survives a reconnect (issue of the connection) */
  clientId: z.string().min(8).max(64),
});
export const runnerHello = z.object({
  workspaceId: z.string(),
  generation: z.number().int(),
  /** home of the workspace as the sandbox sees it, the root of the file tree */
  root: z.string(),
  sandbox: z.enum(['bubblewrap', 'process']),
});
export type RunnerHello = z.infer<typeof runnerHello>;

/** Claims of the viewer grant: EdDSA JWT, typ `gatehouse-grant+jwt`, at most 60 s, issued at attach. */
export const viewerGrant = z.object({
  iss: z.string(),
  aud: z.string().describe('id of the runner'),
  sub: z.string().describe('id of the user'),
  jti: z.string().describe('id of the connection'),
  workspace: z.string(),
  exp: z.number(),
  iat: z.number(),
});
export type ViewerGrant = z.infer<typeof viewerGrant>;
export const GRANT_TYPE = 'gatehouse-grant+jwt';
