import type { ExternalToast } from 'svelte-sonner';

/** Whether anything was said yet: what shows it stands in the page from then on. */
export const toasts = $state({ wanted: false });

type Kind = 'success' | 'error' | 'info' | 'warning';

/** What says it loads with the first of it. */
async function say(kind: Kind | null, title: string, options?: ExternalToast): Promise<void> {
  toasts.wanted = true;
  const { toast: shown } = await import('svelte-sonner');
  if (kind === null) shown(title, options);
  else shown[kind](title, options);
}

const of =
  (kind: Kind | null) =>
  (title: string, options?: ExternalToast): void =>
    void say(kind, title, options);

/** Says something in the corner of the page. */
export const toast = Object.assign(of(null), { success: of('success'), error: of('error'), info: of('info'), warning: of('warning') });
