/** Time, injected so that a protocol's behaviour can be shown without waiting. */
export interface Clock {
  /** milliseconds since the epoch */
  now(): number;
  /** runs once after `ms`; the answer cancels it */
  after(ms: number, run: () => void): () => void;
}
