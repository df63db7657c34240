import type { TapeEvent } from './recording.ts';

/**
 * Writes what was recorded as asciicast v2 (one JSON value a line): output as `o`, sizes as `r`, notes as markers `m`.
 * Asciicast holds text: bytes that are no UTF-8 become U+FFFD here, and nowhere else.
 */
export class CastWriter {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #began: number | null = null;

  /** The lines of these events, which follow those given before. */
  write(events: readonly TapeEvent[]): string {
    return events.map((event) => this.#lines(event)).join('');
  }

  #lines(event: TapeEvent): string {
    if (this.#began === null) {
      this.#began = event.time;
      const { cols, rows, title } = event.kind === 'begin' ? event : { cols: 80, rows: 24, title: '' };
      const head = line({ version: 2, width: cols, height: rows, timestamp: Math.floor(event.time / 1000), title });
      return event.kind === 'begin' ? head : head + this.#line(event);
    }
    return this.#line(event);
  }

  #line(event: TapeEvent): string {
    const at = Math.max(0, event.time - (this.#began ?? event.time)) / 1000;
    switch (event.kind) {
      case 'output': {
        const text = this.#decoder.decode(event.bytes, { stream: true });
        return text === '' ? '' : line([at, 'o', text]);
      }
      case 'begin':
      case 'resize':
        return line([at, 'r', `${event.cols}x${event.rows}`]);
      case 'note':
        return line([at, 'm', event.text]);
      case 'end': {
        const rest = this.#decoder.decode();
        const said = event.signal === null ? `Ended with exit code ${event.code ?? '?'}` : `Ended by ${event.signal}`;
        return (rest === '' ? '' : line([at, 'o', rest])) + line([at, 'm', said]);
      }
    }
  }
}

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;
