import { toast } from '#lib/toast.svelte.ts';
import * as blockedActs from '#lib/api/blocked-acts.ts';
import * as ideSettings from '#lib/api/ide-settings.ts';
import * as workspaces from '#lib/api/workspaces.ts';
import { ahead } from './ahead.ts';
import type { BrowserUser } from './begin-connection.ts';
import { browserClock } from './connection/ports.ts';
import { draftsIn } from './editor/drafts.ts';
import { Ide } from './ide.svelte.ts';
import { memoryIn } from './memory.ts';
import { Settings } from './settings/settings.svelte.ts';
import { ideScreen } from './terminals/ide-screen.ts';

/** how long the owner is told that somebody else came; milliseconds */
const WEIGHTY_MS = 15_000;

/** The IDE of one workspace on the real things of this browser. @param user whose drafts, tabs and memories these are */
export function browserIde(workspaceId: string, user: BrowserUser): Ide {
  const scope = `${user.id}.${workspaceId}`;
  return new Ide({
    api: {
      get: () => workspaces.get(workspaceId),
      start: () => workspaces.start(workspaceId),
      stop: () => workspaces.stop(workspaceId),
      restart: () => workspaces.restart(workspaceId),
    },
    begun: ahead.take(workspaceId, user),
    userId: user.id,
    clock: browserClock,
    makeKey: () => crypto.randomUUID(),
    tell: ({ title, detail, weighty }) => toast(title, { description: detail ?? '', ...(weighty ? { duration: WEIGHTY_MS } : {}) }),
    failed: (what, why) => toast.error(what, { description: why }),
    drafts: draftsIn(indexedDB, scope),
    memory: memoryIn(localStorage, scope),
    settings: new Settings(localStorage, { userId: user.id, clock: browserClock, ...ideSettings }),
    tellBlocked: blockedActs.tell,
    writeClipboard: (text) => void navigator.clipboard.writeText(text).catch(() => undefined),
    makeScreen: (ide) => (terminal, size) => ideScreen(ide, terminal, size),
    tools: {
      said: (what, detail) => toast.success(what, { description: detail ?? '' }),
      failed: (what, why) => toast.error(what, { description: why }),
      paste: () => navigator.clipboard.readText(),
    },
  });
}
