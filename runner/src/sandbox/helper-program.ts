/** how long a new helper, and one that runs already, may take to answer */
export const READY_WITHIN_MS = 20_000;
export const ADOPTED_WITHIN_MS = 10_000;

/** how long a sandbox lives on without a runner */
export const GRACE_MS = 15 * 60_000;

export const HELPER_FLAGS: readonly string[] = [];
