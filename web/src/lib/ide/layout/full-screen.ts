/** `navigator.keyboard`, which only some browsers have. */
interface KeyboardLock {
  lock(): Promise<void>;
  unlock(): void;
}

const keyboardLock = (): KeyboardLock | null => ('keyboard' in navigator ? (navigator.keyboard as KeyboardLock) : null);

/** Full screen, and with it the keys that the browser keeps otherwise, where it lends them. Again: back. */
export async function toggleFullScreen(): Promise<void> {
  if (document.fullscreenElement !== null) {
    keyboardLock()?.unlock();
    await document.exitFullscreen();
    return;
  }
  await document.documentElement.requestFullscreen();
  await keyboardLock()?.lock();
}
