import { serviceRequest } from '@gatehouse/core/protocol/services.ts';
import { z } from 'zod';

/** What the runner asks of the helper, in `open`. Files are asked for as browsers ask; the rest is the runner's own. */

const environment = z.record(z.string(), z.string());

export const terminalSpawn = z.object({
  method: z.literal('terminal.spawn'),
  cols: z.number().int(),
  rows: z.number().int(),
  cwd: z.string(),
});
/** a program without a terminal: its output comes as `data`, its end as a `message` taskExit */
export const taskRun = z.object({
  method: z.literal('task.run'),
  argv: z.array(z.string()).min(1),
  environment: environment.default({}),
});

export const helperRequest = z.union([terminalSpawn, taskRun, serviceRequest]);
export type HelperRequest = z.infer<typeof helperRequest>;

/** the file that the helper is started with: root of the workspace as it sees it, and the environment of its programs */
export const helperSettings = z.object({ root: z.string(), environment });
export type HelperSettings = z.infer<typeof helperSettings>;

/** first message of the helper, on stream 0 */
export const helperReady = z.object({ kind: z.literal('ready') });

/** runner → helper, on a terminal's stream */
export const terminalControl = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('resize'), cols: z.number().int(), rows: z.number().int() }),
  z.object({ kind: z.literal('pause') }),
  z.object({ kind: z.literal('resume') }),
]);
export type TerminalControl = z.infer<typeof terminalControl>;

/** helper → runner, on the stream of a terminal or task */
export const programExit = z.object({ kind: z.literal('exit'), code: z.number().int().nullable(), signal: z.string().nullable() });
export type ProgramExit = z.infer<typeof programExit>;

/** bytes of one stream the helper may have sent and not seen acknowledged, where the stream is paced (files.read) */
export const FILE_WINDOW = 256 * 1024;
