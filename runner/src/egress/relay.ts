import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** a connection over which nothing goes is over */
export const IDLE_MS = 10 * 60_000;
/** connections of one workspace through one proxy at a time */
export const MOST_CONNECTIONS = 256;

/** When one end is cut, so is the other; one that ends in good order still gets what is on its way. */
function cutWith(end: Duplex, other: Duplex): void {
  end.on('error', () => other.destroy());
  end.on('close', () => {
    if (!end.readableEnded || !end.writableFinished) other.destroy();
  });
}

/** Joins both ends until they end, or nothing goes for long. */
export function relay(inside: Duplex, outside: Socket): void {
  cutWith(inside, outside);
  cutWith(outside, inside);
  outside.setTimeout(IDLE_MS, () => outside.destroy());
  inside.pipe(outside);
  outside.pipe(inside);
}
