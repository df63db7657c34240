/** What the first screen does not need, and somebody would wait for, the likeliest first. */
const AHEAD: readonly (() => Promise<unknown>)[] = [
  () => import('#lib/components/MenuList.svelte'),
  () => import('./files/TreeMenuList.svelte'),
  () => import('./search/QuickOpenDialog.svelte'),
  () => import('#lib/frame/Palette.svelte'),
  () => import('./layout/PromptDialog.svelte'),
  () => import('#lib/components/PopupBody.svelte'),
  // Without a network it could not say that there is none.
  () => import('svelte-sonner'),
  () => import('./editor/commands.ts'),
  () => import('@xterm/addon-unicode11'),
  () => import('@xterm/addon-search'),
];

/** Loads it one after the other, so that whatever somebody asks for meanwhile finds the way free. */
export async function loadAhead(): Promise<void> {
  for (const load of AHEAD) await load().catch(() => undefined);
}
