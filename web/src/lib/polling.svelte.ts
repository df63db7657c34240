/** Repeats a task while the page is visible. Call it while a component is set up. @param every milliseconds */
export function poll(task: () => unknown, every: number): void {
  $effect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') task();
    }, every);
    return () => clearInterval(timer);
  });
}

/** The time, for words that change with it ("3 minutes ago"). @param every milliseconds */
export class Clock {
  now = $state(Date.now());

  constructor(every: number) {
    $effect(() => {
      const timer = setInterval(() => (this.now = Date.now()), every);
      return () => clearInterval(timer);
    });
  }
}
