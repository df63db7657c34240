import { TOUR_STEPS, type TourStep } from '@gatehouse/core/api/ide-settings.ts';
import type { Settings } from '../settings/settings.svelte.ts';

/** Somebody's first steps, the same in every browser of theirs. What they do ticks them off, whether they look at the list or not. */
export class Tour {
  readonly #settings: Settings;
  readonly done: readonly TourStep[] = $derived.by(() => this.#settings.now.tour.done);
  readonly next: TourStep | null = $derived(TOUR_STEPS.find((step) => !this.done.includes(step)) ?? null);
  readonly shown: boolean = $derived.by(() => !this.#settings.now.tour.hidden && this.next !== null);

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Costs nothing when it is done already: it is called at each key. */
  did(step: TourStep): void {
    if (this.done.includes(step)) return;
    this.#choose({ done: [...this.done, step] });
  }

  undo(step: TourStep): void {
    this.#choose({ done: this.done.filter((other) => other !== step) });
  }

  hide(): void {
    this.#choose({ hidden: true });
  }

  /** From the start where everything is done, else where it was left. */
  resume(): void {
    this.#choose({ hidden: false, ...(this.next === null ? { done: [] } : {}) });
  }

  #choose(change: Partial<{ done: TourStep[]; hidden: boolean }>): void {
    this.#settings.choose({ tour: { ...this.#settings.now.tour, ...change } });
  }
}
