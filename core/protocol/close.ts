/** WebSocket close codes of every Gatehouse socket: what happened, and whether dialling again can help. */
export const CLOSE_CODES = {
  protocol: { code: 4400, retry: false, reason: 'broken protocol' },
  unauthenticated: { code: 4401, retry: false, reason: 'not signed in any more' },
  revoked: { code: 4403, retry: false, reason: 'access was taken away' },
  gone: { code: 4404, retry: false, reason: 'no longer there' },
  slow: { code: 4408, retry: true, reason: 'took too long to read' },
  replaced: { code: 4409, retry: false, reason: 'a newer connection took over' },
  stopped: { code: 4410, retry: false, reason: 'the workspace stopped' },
  idle: { code: 4411, retry: false, reason: 'nothing was typed or saved for too long' },
  presence: { code: 4412, retry: true, reason: 'a passkey must be shown again' },
  crowded: { code: 4429, retry: true, reason: 'too many connections' },
  unavailable: { code: 4500, retry: true, reason: 'not available right now' },
  runnerAway: { code: 4503, retry: true, reason: 'the runner is away' },
} as const;

export type CloseName = keyof typeof CLOSE_CODES;

/** An unknown code (a cut, a restart, a deploy) is worth dialling again. */
export function mayRetry(code: number): boolean {
  return Object.values(CLOSE_CODES).find((entry) => entry.code === code)?.retry ?? true;
}
