/** Browsers without idle callbacks (Safari) wait so long instead. */
const SOON_MS = 200;

/** Does what nobody waits for, once the browser has nothing else to do. @returns calls it off */
export function whenIdle(act: () => unknown): () => void {
  if (typeof requestIdleCallback !== 'function') {
    const timer = setTimeout(act, SOON_MS);
    return () => clearTimeout(timer);
  }
  const handle = requestIdleCallback(() => void act());
  return () => cancelIdleCallback(handle);
}
