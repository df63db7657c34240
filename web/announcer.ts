import type { Plugin } from 'vite';

/** The router's announcer without its inline style, which the content policy refuses; base.css hides it instead. */
export function plainAnnouncer(): Plugin {
  return {
    name: 'gatehouse:plain-announcer',
    enforce: 'pre',
    transform(code, id) {
      if (!id.includes('/@sveltejs/kit/') || !id.includes('root.svelte')) return null;
      return { code: code.replace(/(id="svelte-announcer"[^>]*?)\s+style="[^"]*"/, '$1'), map: null };
    },
  };
}
