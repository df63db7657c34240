import { z } from 'zod';
import { gitShown } from './git-answers.ts';
import { gitRequests } from './git.ts';
import { SERVER_IDS, lspOpened, lspServers } from './language-servers.ts';
import { sha256, transferId, trashItem, trashName } from './files.ts';
import { textQuery } from './search.ts';
import { taskRef } from './tasks.ts';
import { terminalLook, terminalTraits } from './terminals.ts';

/**
 * Services on streams. The browser sends `open` (a request below, JSON), the runner answers `head`
 * ({ok:true, …} or {ok:false, code, message}), then `data`, `message` and `fin` as the service says.
 */

const path = z
  .string()
  .max(4096)
  .refine((value) => !value.includes('\0'), 'must not contain NUL')
  .describe('relative to the root of the workspace, "/" between names, "" is the root');

/** a transfer that was cut: the first byte wanted, of the version that `etag` names */
const goesOn = { from: z.number().int().min(0).optional(), etag: z.string().max(200).optional() };
const size = { cols: z.number().int().min(2).max(1000), rows: z.number().int().min(1).max(500) };

export const serviceRequest = z.discriminatedUnion('method', [
  /**
   * opens a terminal; the stream then carries its bytes both ways; head: ptyOpened. `key` is the opener's name for it:
   * asked again, because a cut took the answer away, it joins the terminal that was made (SPEC T2)
   */
  z.object({
    method: z.literal('pty.open'),
    ...size,
    cwd: path.optional(),
    name: z.string().max(80).optional(),
    key: z.string().min(8).max(64),
    /** runs this task instead of a shell, in the task's folder */
    task: taskRef.optional(),
  }),
  /** joins a terminal; `from`: offset of the next byte wanted, null: all that there is to see; head: ptyOpened */
  z.object({ method: z.literal('pty.attach'), terminalId: z.string(), from: z.number().int().min(0).nullable(), ...size }),
  z.object({ method: z.literal('pty.list') }),
  z.object({
    method: z.literal('pty.rename'),
    terminalId: z.string(),
    name: z.string().min(1).max(80),
    /** left out: as it is */
    look: terminalLook.optional(),
  }),
  /** the program that runs in it besides its shell; head: ptyForeground */
  z.object({ method: z.literal('pty.foreground'), terminalId: z.string() }),
  /** ends the terminal's programs */
  z.object({ method: z.literal('pty.close'), terminalId: z.string() }),
  /** SPEC P: hands driving to that viewer's person; takes it back; asks for it */
  z.object({ method: z.literal('drive.give'), viewer: z.number().int() }),
  z.object({ method: z.literal('drive.take') }),
  z.object({ method: z.literal('drive.ask'), asks: z.boolean() }),
  /**
   * head: fileList, then the entries as `data` (JSON, fileEntries, in batches: `itemsOf`), then `fin`.
   * `only`: those of these names that are there; an earlier runner answers with all
   */
  z.object({ method: z.literal('files.list'), path, only: z.array(z.string().max(255)).max(200).optional() }),
  z.object({ method: z.literal('files.stat'), path }),
  /**
   * head: fileRead, then the bytes from `from` on as `data`, then `fin`; {ok:false, code:'conflict'} when `etag` is given
   * and is not what is there. Fewer bytes than announced: it changed while it was read
   */
  z.object({ method: z.literal('files.read'), path, ...goesOn }),
  /** the same for a tar of files and folders, named from the folder that holds them all; head: fileRead of the whole archive */
  z.object({ method: z.literal('files.archive'), paths: z.array(path).min(1).max(200), ...goesOn }),
  /**
   * bytes follow as `data` and `fin`; head: fileStat, or {ok:false, code:'conflict'} when `etag` is not what is there.
   * `part`: the bytes are those of that upload `from` on, and what comes before a cut is kept; `sha256` of the whole content
   */
  z.object({
    method: z.literal('files.write'),
    path,
    etag: z.string().nullable().describe('of the version edited; null: must not exist yet; "*": whatever is there'),
    size: z.number().int().min(0),
    part: z.object({ id: transferId, from: z.number().int().min(0) }).optional(),
    sha256: sha256.optional(),
  }),
  /** what a cut left of an upload; head: filePart. `discard`: nobody goes on with it */
  z.object({ method: z.literal('files.part'), id: transferId, discard: z.boolean() }),
  z.object({ method: z.literal('files.mkdir'), path }),
  /** `to` must not be there yet, as for copies, which take folders with all that is in them and leave links what they are */
  z.object({ method: z.literal('files.rename'), from: path, to: path }),
  z.object({ method: z.literal('files.copy'), from: path, to: path }),
  z.object({ method: z.literal('files.delete'), path, recursive: z.boolean() }),
  /**
   * which of these names, as programs print them, are files of the workspace; head: filesLocated. `from`: the folder where
   * the program works, as it names it, or a path of the workspace
   */
  z.object({
    method: z.literal('files.locate'),
    from: path,
    names: z.array(z.string().min(1).max(1024)).min(1).max(200),
  }),
  /** the trash of the workspace's home, as freedesktop.org describes it; head: trashed */
  z.object({ method: z.literal('trash.put'), path }),
  /** head ok, then trashItems as `data` (JSON, in batches), then `fin` */
  z.object({ method: z.literal('trash.list') }),
  /** to where it was; head: restored, or {ok:false, code:'exists'} */
  z.object({ method: z.literal('trash.restore'), name: trashName }),
  /** for good; null: all of it */
  z.object({ method: z.literal('trash.delete'), name: trashName.nullable() }),
  /** recursive, but blind inside .git and node_modules; head ok, then one `message` fileEvents per coalesced change until the stream is reset */
  z.object({ method: z.literal('files.watch'), path }),
  /** lines with a text, as they are found; head ok, then `data` (JSON lines, textLine), then `fin`. What is ignored by git is left out */
  z.object({ method: z.literal('search.text'), ...textQuery.shape }),
  /** paths of all files that git would not ignore; head ok, then `data` (JSON lines, fileLine), then `fin` */
  z.object({ method: z.literal('search.files') }),
  /** what the files of the workspace name as tasks; head ok, then `data` (JSON lines, taskLine), then `fin` */
  z.object({ method: z.literal('tasks.list') }),
  /** what listens in the workspace; head ok, then one `message` portList at each change until the stream is reset */
  z.object({ method: z.literal('ports.watch') }),
  ...gitRequests,
  /** the language server for a file; head: lspServers */
  z.object({ method: z.literal('lsp.servers'), path }),
  /**
   * starts a language server for a project; head: lspOpened. Then its standard input and output as `data`, byte by byte,
   * what else it says as a `message` lspMessage, and `fin` at its end. It ends with the stream
   */
  z.object({ method: z.literal('lsp.open'), server: z.enum(SERVER_IDS), root: path }),
]);
export type ServiceRequest = z.infer<typeof serviceRequest>;

export const SERVICE_ERRORS = [
  'invalid',
  'not-found',
  'exists',
  'conflict',
  'not-a-file',
  'not-a-directory',
  'not-empty',
  'too-large',
  'refused',
  'limit',
  'internal',
] as const;

export const failure = z.object({ ok: z.literal(false), code: z.enum(SERVICE_ERRORS), message: z.string() });

/** `reason`: why it ended other than by itself, for a person to read */
export const ptyExit = z.object({ code: z.number().int().nullable(), signal: z.string().nullable(), reason: z.string().optional() });
export type PtyExit = z.infer<typeof ptyExit>;

export const ptyInfo = z.object({
  terminalId: z.string(),
  name: z.string(),
  ...size,
  /** bytes of output so far */
  offset: z.number().int(),
  exit: ptyExit.nullable(),
  ...terminalTraits,
});
export type PtyInfo = z.infer<typeof ptyInfo>;

/**
 * `offset` is that of the first `data` byte to come, and `size` the terminal's where output begins. `input`: bytes of
 * this client's input that went to the program. `state`: so many bytes of `data` come first that are no output but the
 * state of a screen (SPEC T4), for an empty terminal of that size; null: output goes on from what is there.
 */
export const ptyOpened = z.object({
  ok: z.literal(true),
  terminal: ptyInfo,
  offset: z.number().int(),
  size: z.object(size),
  input: z.number().int(),
  state: z.number().int().nullable(),
});
export type PtyOpened = z.infer<typeof ptyOpened>;
/** `program`: null, where the shell waits, or nobody can tell */
export const ptyForeground = z.object({ ok: z.literal(true), program: z.string().max(100).nullable() });
export const ptyList = z.object({ ok: z.literal(true), terminals: z.array(ptyInfo) });

/**
 * `message` on a pty stream. Browser → runner: resize, the size that this viewer would like. Runner → browser, ordered
 * with the output (SPEC T3): resize, exit, renamed, held.
 */
export const ptyMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('resize'), ...size }),
  z.object({ kind: z.literal('exit'), ...ptyExit.shape }),
  z.object({ kind: z.literal('renamed'), name: z.string(), look: terminalTraits.look }),
  /** output and input wait, for a person to read; null: they don't any more (SPEC T7) */
  z.object({ kind: z.literal('held'), reason: z.string().nullable() }),
]);
export type PtyMessage = z.infer<typeof ptyMessage>;

export const fileEntry = z.object({
  name: z.string(),
  kind: z.enum(['file', 'directory', 'symlink', 'other']),
  size: z.number().int(),
  modified: z.number().describe('milliseconds since the epoch'),
});
export type FileEntry = z.infer<typeof fileEntry>;

/** The entries follow as `data`. `truncated`: the folder has more than `MOST_ENTRIES`. */
export const fileList = z.object({ ok: z.literal(true), truncated: z.boolean() });
export const fileEntries = z.array(fileEntry);
export const fileStat = z.object({ ok: z.literal(true), entry: fileEntry, etag: z.string() });
/** `binary`: a NUL within the first 8 KiB. `from`: of the first byte that comes. `left`: of an archive, what could not go into it */
export const fileRead = z.object({
  ok: z.literal(true),
  entry: fileEntry,
  etag: z.string(),
  binary: z.boolean(),
  from: z.number().int().default(0),
  left: z.number().int().default(0),
});
export const filePart = z.object({ ok: z.literal(true), size: z.number().int() });
/** `name`: in the trash; null: it lay there already, and is gone */
export const trashed = z.object({ ok: z.literal(true), name: z.string().nullable() });
export const restored = z.object({ ok: z.literal(true), path: z.string() });
export const trashItems = z.array(trashItem);
/** a path of the workspace for each name, null: there is no such file */
export const filesLocated = z.object({ ok: z.literal(true), paths: z.array(z.string().nullable()) });
export const done = z.object({ ok: z.literal(true) });
export const fileEvents = z.object({ kind: z.literal('changed'), paths: z.array(z.string()).max(500), overflow: z.boolean() });

/** A port that a program of the workspace listens on. `process`: its name, null where nobody can tell */
export const listener = z.object({ port: z.number().int().min(1).max(65535), process: z.string().max(100).nullable() });
export type Listener = z.infer<typeof listener>;
export const portList = z.object({ kind: z.literal('ports'), ports: z.array(listener).max(200) });

/** Reply of each method, by name: what the browser parses `head` with. */
export const SERVICE_HEADS = {
  'pty.open': ptyOpened,
  'pty.attach': ptyOpened,
  'pty.list': ptyList,
  'pty.rename': done,
  'pty.foreground': ptyForeground,
  'pty.close': done,
  'drive.give': done,
  'drive.take': done,
  'drive.ask': done,
  'files.list': fileList,
  'files.stat': fileStat,
  'files.read': fileRead,
  'files.archive': fileRead,
  'files.write': fileStat,
  'files.part': filePart,
  'files.mkdir': done,
  'files.rename': done,
  'files.copy': done,
  'trash.put': trashed,
  'trash.list': done,
  'trash.restore': restored,
  'trash.delete': done,
  'files.delete': done,
  'files.locate': filesLocated,
  'files.watch': done,
  'search.text': done,
  'search.files': done,
  'tasks.list': done,
  'ports.watch': done,
  'git.repositories': done,
  'git.watch': done,
  'git.status': done,
  'git.refs': done,
  'git.show': gitShown,
  'git.log': done,
  'git.commit': done,
  'git.blame': done,
  'git.do': done,
  'lsp.servers': lspServers,
  'lsp.open': lspOpened,
} as const satisfies Record<ServiceRequest['method'], z.ZodType>;

/** `reset` carries this. */
export const resetBody = z.object({ code: z.enum([...SERVICE_ERRORS, 'cancelled', 'behind']), message: z.string().max(300) });
