import { toast } from '#lib/toast.svelte.ts';

/** Copies text and says so; says so too when the browser refuses. @param what "The command" */
export async function copyText(text: string, what: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    toast.success(`${what} is on the clipboard`);
    return true;
  } catch {
    toast.error(`The browser did not allow copying. Select the text and copy it by hand.`);
    return false;
  }
}
