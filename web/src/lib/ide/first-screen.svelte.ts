import { whenIdle } from '#lib/idle.ts';
import type { Ide } from './ide.svelte.ts';

/** What the first screen does not need, and somebody would wait for, the likeliest first. */
const AHEAD: readonly (() => Promise<unknown>)[] = [
  () => import('#lib/components/MenuList.svelte'),
  () => import('#lib/components/MenuAtList.svelte'),
  () => import('./search/QuickOpenDialog.svelte'),
  () => import('./search/SearchPanel.svelte'),
  () => import('./git/SourceControlPanel.svelte'),
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
async function loadAhead(): Promise<void> {
  for (const load of AHEAD) await load().catch(() => undefined);
}

/** What a page of the IDE begins with: files, a prompt, or the word why there is none. Make it while a component is set up. */
export class FirstScreen {
  /** It stands: the rest comes while nobody waits for it. */
  settled = $state(false);

  constructor(ide: Ide) {
    const noPrompt = $derived.by(() => {
      const { known, all, active } = ide.terminals;
      return ['waiting', 'ended'].includes(ide.connection.kind) || (known && all.length === 0) || (active?.ending ?? null) !== null;
    });
    $effect(() => {
      if (this.settled) return void loadAhead();
      let forget = () => {};
      const settle = () => (forget = whenIdle(() => (this.settled = true)));
      const printed = ide.terminals.active?.screen.printed;
      if (noPrompt) settle();
      // Somebody may open a file at once.
      else if (printed !== undefined && ide.tree.root !== undefined)
        void Promise.allSettled([printed, ide.editing.loadCode()]).then(settle);
      return () => forget();
    });
  }
}
