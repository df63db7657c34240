import { serviceRequest } from '@gatehouse/core/protocol/services.ts';
import { terminalLook, terminalTraits } from '@gatehouse/core/protocol/terminals.ts';
import { z } from 'zod';

/** What the runner asks of the helper, in `open`. Files are asked for as browsers ask; the rest is the runner's own. */

/** Grows with each change that an older helper or runner would not understand: a helper may be older than its runner. */
export const CHANNEL_VERSION = 1;

const environment = z.record(z.string(), z.string());
const size = { cols: z.number().int(), rows: z.number().int() };

/** head: terminalAttached; then its output as `data`, at its offsets since the terminal's first byte, and its end as a `message` programExit */
export const terminalOpen = z.object({
  method: z.literal('terminal.open'),
  terminalId: z.string(),
  name: z.string(),
  ...size,
  ...terminalTraits,
  cwd: z.string(),
});
/** the same for a terminal that is there; output comes from `from`, or from the oldest byte that is kept */
export const terminalAttach = z.object({ method: z.literal('terminal.attach'), terminalId: z.string(), from: z.number().int().min(0) });
/** head: terminalList */
export const terminalListing = z.object({ method: z.literal('terminal.list') });
/** ends the programs, and forgets the terminal */
export const terminalClose = z.object({ method: z.literal('terminal.close'), terminalId: z.string() });
/** the program that runs in it besides its shell; head: ptyForeground */
export const terminalForeground = z.object({ method: z.literal('terminal.foreground'), terminalId: z.string() });
/** tells something in every terminal that is open; a helper of an earlier release answers `invalid` */
export const terminalNote = z.object({ method: z.literal('terminal.note'), text: z.string().max(1000) });
/** a program without a terminal: its output comes as `data`, its end as a `message` programExit */
export const taskRun = z.object({
  method: z.literal('task.run'),
  argv: z.array(z.string()).min(1),
  environment: environment.default({}),
});

const headers = z.array(z.tuple([z.string(), z.string()]));
const port = z.number().int().min(1).max(65535);
/**
 * A request to a web app of the workspace. Bytes of its body follow as `data` and `fin`, acknowledged as the app takes them;
 * head: appHead; then the answer's body as `data`, paced by acknowledgements, and `fin`. A `message` appBroken before `fin`:
 * the app ended it before its time
 */
export const appRequest = z.object({
  method: z.literal('app.request'),
  port,
  verb: z.string(),
  path: z.string(),
  headers,
  body: z.boolean(),
});
/**
 * A WebSocket to a web app. Messages go either way as `data` in pieces (socketPiece), paced by acknowledgements; its end as a
 * `message` socketEnd, either way. head: appHead, with status 101 where the app agreed
 */
export const appSocket = z.object({ method: z.literal('app.socket'), port, path: z.string(), headers, protocols: z.array(z.string()) });
/** starts programs that are kept running for as long as the sandbox lives; head ok */
export const appStart = z.object({
  method: z.literal('app.start'),
  apps: z.array(z.object({ label: z.string(), port, command: z.string() })).max(20),
});
export const appHead = z.object({
  ok: z.literal(true),
  status: z.number().int(),
  statusText: z.string().default(''),
  headers: headers.default([]),
  protocol: z.string().nullable().default(null),
});
export const appBroken = z.object({ kind: z.literal('broken') });
export const socketEnd = z.object({ kind: z.literal('closed'), code: z.number().int(), reason: z.string().max(123) });

const terminalRequest = z.discriminatedUnion('method', [
  terminalOpen,
  terminalAttach,
  terminalListing,
  terminalClose,
  terminalForeground,
  terminalNote,
]);
const programRequest = z.discriminatedUnion('method', [taskRun, appRequest, appSocket, appStart]);
export const helperRequest = z.union([terminalRequest, programRequest, serviceRequest]);
export type HelperRequest = z.infer<typeof helperRequest>;

/** the file that the helper is started with */
export const helperSettings = z.object({
  /** root of the workspace as the helper sees it, and the environment of its programs */
  root: z.string(),
  environment,
  /** how long it lives without a runner, in milliseconds */
  graceMs: z.number().int().min(0),
  /** value that marks the workspace's processes in their environment; null: all that the helper sees are its own */
  mark: z.string().nullable(),
  /** loopback ports that lead to sockets of the runner */
  forwards: z.array(z.object({ port: z.number().int(), socket: z.string() })).default([]),
});
export type HelperSettings = z.infer<typeof helperSettings>;

/** first message of the helper on each connection, on stream 0 */
export const helperReady = z.object({ kind: z.literal('ready'), version: z.number().int() });

/** runner → helper, on stream 0: what runs is whole now, and is to outlive this connection */
export const helperKeep = z.object({ kind: z.literal('keep') });

export const terminalInfo = z.object({
  terminalId: z.string(),
  name: z.string(),
  ...size,
  /** offset of the oldest byte of output that is kept, and the one behind the newest */
  start: z.number().int().min(0),
  end: z.number().int().min(0),
  exit: z.object({ code: z.number().int().nullable(), signal: z.string().nullable() }).nullable(),
  ...terminalTraits,
});
export type TerminalInfo = z.infer<typeof terminalInfo>;

export const MOST_TERMINALS = 64;
export const terminalList = z.object({ ok: z.literal(true), terminals: z.array(terminalInfo).max(MOST_TERMINALS) });

/** `offset` is that of the first `data` byte to come; `inputs` the bytes typed of each client, the least recent client first */
export const terminalAttached = z.object({
  ok: z.literal(true),
  terminal: terminalInfo,
  offset: z.number().int().min(0),
  inputs: z.array(z.tuple([z.string(), z.number().int().min(0)])),
});

/**
 * Runner → helper, on a terminal's stream. The `data` behind `client` is that client's input, at the client's offsets.
 * `pause` and `resume` are about reading output.
 */
export const terminalControl = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('client'), clientId: z.string() }),
  z.object({ kind: z.literal('resize'), ...size }),
  z.object({ kind: z.literal('rename'), name: z.string(), look: terminalLook.optional() }),
  z.object({ kind: z.literal('pause') }),
  z.object({ kind: z.literal('resume') }),
]);
export type TerminalControl = z.infer<typeof terminalControl>;

/** helper → runner, on the stream of a terminal or task */
export const programExit = z.object({ kind: z.literal('exit'), code: z.number().int().nullable(), signal: z.string().nullable() });
export type ProgramExit = z.infer<typeof programExit>;

/**
 * Helper → runner, on a terminal's stream. `typed`: the program has this client's input up to `offset`;
 * `resized`: the output from `offset` on is for this size.
 */
export const terminalEvent = z.discriminatedUnion('kind', [
  programExit,
  z.object({ kind: z.literal('typed'), clientId: z.string(), offset: z.number().int().min(0) }),
  z.object({ kind: z.literal('resized'), offset: z.number().int().min(0), ...size }),
]);

/** bytes of one stream the helper may have sent and not seen acknowledged, where the stream is paced (files.read) */
export const FILE_WINDOW = 256 * 1024;
