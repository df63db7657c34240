import { route } from '#lib/route.ts';

/** Opens a web app in a tab of its own; the page there proves this browser's key and goes on to the app. */
export function openApp(workspaceId: string, label: string): void {
  window.open(route.app(workspaceId, label), '_blank', 'noopener');
}
