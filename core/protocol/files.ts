import { z } from 'zod';

/** Files of a workspace beyond one at a time: what moves, what is thrown away, what goes out as one. */

/** Entries of one folder; what lies beyond is not listed. */
export const MOST_ENTRIES = 200_000;
/** of one file, either way */
export const MOST_FILE_BYTES = 2 * 1024 ** 3;
/** of one archive */
export const MOST_ARCHIVED = 100_000;
/** What is in the trash goes for good after so long, or when all of it weighs more: the oldest first. */
export const TRASH_DAYS = 30;
export const TRASH_BYTES = 1024 ** 3;
export const TRASH_ITEMS = 5000;
/** What a cut upload left is kept for so long. */
export const PARTIAL_HOURS = 24;

/** Names an upload over all the connections that it takes. */
export const transferId = z.string().regex(/^[\w-]{8,64}$/);
/** a name in the trash, as the file has it there */
export const trashName = z
  .string()
  .min(1)
  .max(255)
  .refine((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..', 'must be a name');
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** `path`: where it was, as the workspace knows it; null: outside of it. `size` of a folder: of all that is in it. */
export const trashItem = z.object({
  name: z.string(),
  path: z.string().nullable(),
  kind: z.enum(['file', 'directory', 'symlink', 'other']),
  size: z.number().int(),
  deleted: z.number().describe('milliseconds since the epoch'),
});
export type TrashItem = z.infer<typeof trashItem>;

/** Batches of a long list: one JSON array as a whole, with a line break between the batches. */
export const batchLine = (items: readonly unknown[], first: boolean): string =>
  `${first ? '[' : ','}${JSON.stringify(items).slice(1, -1)}\n`;
export const LAST_BATCH = ']';

/** What stands in one line of such a list. @throws SyntaxError */
export function itemsOf(line: string): unknown[] {
  const inner = line.trim().replace(/^[[,]/, '').replace(/\]$/, '');
  return JSON.parse(`[${inner}]`) as unknown[];
}
