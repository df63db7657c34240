/** A difference that no proof minds. */
const SMALL_MS = 5_000;

let ahead = 0;

/** Takes the time of an answer: many devices' clocks are wrong, and a proof must be made at the right time. */
export function heardDate(date: string | null): void {
  const told = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(told)) return;
  const difference = told - Date.now();
  ahead = Math.abs(difference) > SMALL_MS ? difference : 0;
}

/** The service's time, as far as this page knows it; milliseconds since the epoch. */
export const serverNow = (): number => Date.now() + ahead;
