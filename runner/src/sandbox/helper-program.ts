/** how long a new helper, and one that runs already, may take to answer */
export const READY_WITHIN_MS = 20_000;
export const ADOPTED_WITHIN_MS = 10_000;

/** how long a sandbox lives on without a runner */
export const GRACE_MS = 15 * 60_000;

/** A young generation of 1 MiB halves what it holds after much output and costs no speed; helper threads are of no use to it. */
export const HELPER_FLAGS = ['--max-semi-space-size=1', '--v8-pool-size=1'];
