import { z } from 'zod';

/**
 * SPEC A: web apps. The runner's second link to the workspace's object: streams in clear, one for each request, opened by
 * the object. The frames are those of the workspace connection.
 */

/** Bytes, or milliseconds for `…Within`. */
export const TUNNEL = {
  /** of one stream on its way, either way */
  credit: { most: 512 * 1024, least: 64 * 1024, all: 8 * 1024 * 1024 },
  /** requests under way at once; more wait, and of those that wait so many */
  streams: 128,
  waiting: 256,
  /** a head with all its headers */
  head: 48 * 1024,
  ackEvery: 64 * 1024,
  /** the runner dials for a WebSocket, and closes what was taken away */
  dialWithin: 10_000,
  closeWithin: 1_000,
} as const;

const headers = z.array(z.tuple([z.string(), z.string()])).max(200);
const port = z.number().int().min(1024).max(65535);

/** Object → runner, as `open`. Bytes of the request's body follow as `data` and `fin`. */
export const tunnelOpen = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('request'), port, method: z.string().max(32), path: z.string(), headers, body: z.boolean() }),
  /** the runner dials for it with the key once the app has agreed; nothing more goes over the link */
  z.object({
    kind: z.literal('socket'),
    port,
    path: z.string(),
    headers,
    protocols: z.array(z.string().max(200)).max(20),
    key: z.string(),
  }),
]);
export type TunnelOpen = z.infer<typeof tunnelOpen>;

export const TUNNEL_FAILURES = ['not-listening', 'refused', 'broken', 'limit'] as const;
export type TunnelFailure = (typeof TUNNEL_FAILURES)[number];

/** Runner → object, as `head`: what the app answered, or why it could not. Bytes of the answer follow as `data` and `fin`. */
export const tunnelHead = z.union([
  z.object({
    ok: z.literal(true),
    status: z.number().int().min(101).max(599),
    statusText: z.string().max(200).default(''),
    headers: headers.default([]),
    /** of a socket: the subprotocol that the app chose */
    protocol: z.string().max(200).nullable().default(null),
  }),
  z.object({ ok: z.literal(false), code: z.enum(TUNNEL_FAILURES), message: z.string().max(300) }),
]);
export type TunnelHead = z.infer<typeof tunnelHead>;

/** Either way, as `reset`: `close` is for a socket, as its close code. */
export const tunnelReset = z.object({ why: z.string().max(300), close: z.number().int().optional() });

/** Object → runner, as `control`. */
export const toTunnel = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('challenge'), nonce: z.string() }),
  z.object({ kind: z.literal('ready') }),
]);
export type ToTunnel = z.infer<typeof toTunnel>;

/** Runner → object, as `control`. `closed`: a WebSocket that it had dialled for is closed; bytes from the browser and to it. */
export const fromTunnel = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('proof'), signature: z.string() }),
  z.object({ kind: z.literal('closed'), stream: z.number().int(), bytesIn: z.number().int().min(0), bytesOut: z.number().int().min(0) }),
]);
export type FromTunnel = z.infer<typeof fromTunnel>;

export const tunnelPath = (workspaceId: string): string => `/api/v1/runner/workspaces/${workspaceId}/apps`;

/** The header by which the runner shows that it dials for that very socket. */
export const STREAM_KEY_HEADER = 'Gatehouse-Stream-Key';
