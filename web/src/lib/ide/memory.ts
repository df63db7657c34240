import { z } from 'zod';
import { NO_PORTS, portMemory } from './ports/port-memory.ts';

const file = z.object({ kind: z.literal('file'), path: z.string(), preview: z.boolean() });
/** `of` is the kind of the view, `memo` what it is made from again */
const view = z.object({ kind: z.literal('view'), of: z.string(), memo: z.unknown() });
const tab = z.discriminatedUnion('kind', [file, view]);
export type RememberedTab = z.infer<typeof tab>;
/** groups one below the other; `active` is an index */
const column = z.array(z.object({ tabs: z.array(tab), active: z.number().int() }));
export type Column = z.infer<typeof column>;

const remembered = z.object({
  expanded: z.array(z.string()).catch([]),
  columns: z.array(column).catch([]),
  group: z.number().int().catch(0),
  recent: z.array(z.string()).catch([]),
  /** ids of terminals, side by side behind each tab */
  terminals: z.array(z.array(z.string()).max(64)).max(64).catch([]),
  ports: portMemory.catch(NO_PORTS),
});
/** How somebody left the files of a workspace. */
export type Remembered = z.infer<typeof remembered>;

export interface Memory {
  read(): Remembered;
  write(value: Remembered): void;
}

const PREFIX = 'gatehouse.ide.tabs.';

/** Kept in this browser, per person and workspace. @param scope names both */
export function memoryIn(storage: Storage, scope: string): Memory {
  const key = PREFIX + scope;
  return {
    read: () => remembered.parse(json(storage.getItem(key)) ?? {}),
    write: (value) => {
      try {
        storage.setItem(key, JSON.stringify(value));
      } catch {
        // a full storage costs only the comfort of finding the tabs again
      }
    },
  };
}

/** Removes the names of everybody's files from this browser. */
export function forgetTabs(storage: Storage): void {
  for (const key of Object.keys(storage)) if (key.startsWith(PREFIX)) storage.removeItem(key);
}

function json(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
