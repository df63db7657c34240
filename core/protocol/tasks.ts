import { z } from 'zod';

/** Tasks that the files of a workspace name: what is found, and how one is asked for. */

export const TASK_KINDS = [
  ...(['npm', 'pnpm', 'yarn', 'bun', 'deno', 'make', 'cargo', 'go', 'composer'] as const),
  ...(['python', 'uv', 'poetry', 'poe', 'pdm', 'hatch', 'tox'] as const),
] as const;
export type TaskKind = (typeof TASK_KINDS)[number];

/** Of one workspace; what lies beyond is not looked for. */
export const MOST_TASKS = 2000;
/** characters of what a task does that are shown */
export const MOST_DETAIL = 200;

/** Handed to its tool as one argument: so it is no option of the tool, and no tool splits it. */
const taskName = z
  .string()
  .max(100)
  .regex(/^[^\s\p{Cc}-][^\p{Cc}]*$/u);

/** A task by its name: the sandbox knows from the kind which program runs it. `folder`: where its file lies */
export const taskRef = z.object({
  kind: z.enum(TASK_KINDS),
  folder: z
    .string()
    .max(4096)
    .refine((path) => !path.includes('\0')),
  name: taskName,
});
export type TaskRef = z.infer<typeof taskRef>;

export const foundTask = z.object({
  ...taskRef.shape,
  /** what it does, as its file says */
  detail: z.string().max(MOST_DETAIL),
});
export type FoundTask = z.infer<typeof foundTask>;

export const taskEnd = z.object({ end: z.literal(true), truncated: z.boolean() });
export const taskLine = z.union([taskEnd, foundTask]);

/** As people write it: `npm build in web`. */
export const taskTitle = ({ kind, folder, name }: TaskRef): string => `${kind} ${name}${folder === '' ? '' : ` in ${folder}`}`;
