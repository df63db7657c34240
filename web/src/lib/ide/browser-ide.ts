import { webAead } from '@gatehouse/core/protocol/web-aead.ts';
import { toast } from '#lib/toast.svelte.ts';
import * as blockedActs from '#lib/api/blocked-acts.ts';
import { isThere } from '#lib/api/health.ts';
import * as ideSettings from '#lib/api/ide-settings.ts';
import { browserKey } from '#lib/api/proof.ts';
import * as workspaces from '#lib/api/workspaces.ts';
import { socketTo } from './connection/browser-socket.ts';
import { pinsIn } from './connection/pins.ts';
import { browserClock } from './connection/ports.ts';
import { draftsIn } from './editor/drafts.ts';
import { Ide } from './ide.svelte.ts';
import { memoryIn } from './memory.ts';
import { Settings } from './settings/settings.svelte.ts';
import { ideScreen } from './terminals/ide-screen.ts';

/** how long the owner is told that somebody else came; milliseconds */
const WEIGHTY_MS = 15_000;

/** The IDE of one workspace on the real things of this browser. @param user whose drafts, tabs and memories these are */
export function browserIde(workspaceId: string, user: { id: string; tenantId: string }): Ide {
  const scope = `${user.id}.${workspaceId}`;
  return new Ide({
    api: {
      attach: (key) => workspaces.attach(workspaceId, key),
      get: () => workspaces.get(workspaceId),
      start: () => workspaces.start(workspaceId),
      stop: () => workspaces.stop(workspaceId),
      restart: () => workspaces.restart(workspaceId),
    },
    workspaceId,
    userId: user.id,
    isThere,
    openSocket: socketTo(workspaceId),
    clock: browserClock,
    random: Math.random,
    clientId: crypto.randomUUID(),
    key: browserKey,
    pins: pinsIn(localStorage, `${user.tenantId}.${user.id}`),
    makeAead: webAead,
    online: () => navigator.onLine,
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
