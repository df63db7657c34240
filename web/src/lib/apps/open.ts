import { route } from '#lib/route.ts';

/** Opens a web app in a tab of its own; the page there proves this browser's key and goes on to the app. */
export function openApp(workspaceId: string, label: string): void {
  window.open(route.app(workspaceId, label), '_blank', 'noopener');
}

/** least width of a window that a page is still readable in */
const LEAST_WIDTH = 480;

/** The same in a window of its own beside this one. It gets no hold of this page, nor this page of it. */
export function openAppBeside(workspaceId: string, label: string): void {
  const { availWidth, availHeight } = window.screen;
  const width = Math.max(LEAST_WIDTH, Math.round(availWidth / 3));
  const place = `popup,width=${width},height=${availHeight},left=${availWidth - width},top=0`;
  window.open(route.app(workspaceId, label), '_blank', `noopener,${place}`);
}
