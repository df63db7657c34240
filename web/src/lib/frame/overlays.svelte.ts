type Overlay = 'palette' | 'shortcuts' | 'settings' | 'drawer';

/** What floats over the frame: one thing at a time. `drawer` is the navigation of small screens. */
class Overlays {
  shown = $state<Overlay | null>(null);

  show(overlay: Overlay): void {
    this.shown = overlay;
  }

  close(overlay: Overlay): void {
    if (this.shown === overlay) this.shown = null;
  }
}

export const overlays = new Overlays();
