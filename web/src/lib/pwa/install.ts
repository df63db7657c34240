/** A worker of a newer version that waits until somebody takes it. */
export interface NewVersion {
  /** Loads this page anew with it. */
  take(): void;
}

/** Installs the service worker, which says when there is no network. @param found a newer version has come while this page was open */
export async function installWorker(found: (version: NewVersion) => void): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  const { serviceWorker } = navigator;
  const isFirst = serviceWorker.controller === null;
  const registration = await serviceWorker.register('/service-worker.js');
  const offer = (worker: ServiceWorker) =>
    found({
      take: () => {
        serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
        worker.postMessage('take-over');
      },
    });
  if (registration.waiting !== null && !isFirst) offer(registration.waiting);
  registration.addEventListener('updatefound', () => {
    const worker = registration.installing;
    worker?.addEventListener('statechange', () => {
      if (worker.state === 'installed' && serviceWorker.controller !== null) offer(worker);
    });
  });
  // A page that stays open for days looks for itself.
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void registration.update().catch(() => undefined);
  });
}
