import { concat } from '@gatehouse/core/protocol/bytes.ts';

/** The largest message that is taken from a server: completions of a large stylesheet are under one megabyte. */
export const MOST_MESSAGE = 16 * 1024 * 1024;
/** of the lines before a message */
const MOST_HEADER = 4096;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A message as the protocol frames it. */
export function frameOf(text: string): Uint8Array {
  const body = encoder.encode(text);
  return concat(encoder.encode(`Content-Length: ${body.byteLength}\r\n\r\n`), body);
}

/** Joins a server's bytes into messages. */
export class MessageReader {
  #pieces: Uint8Array[] = [];
  #length = 0;
  /** bytes that the next step needs; null: the header is not whole */
  #body: number | null = null;

  /** @returns the messages that are whole now. @throws Error when it is not the protocol, or too much */
  push(bytes: Uint8Array): string[] {
    this.#pieces.push(bytes);
    this.#length += bytes.byteLength;
    const messages: string[] = [];
    for (;;) {
      if (this.#body === null && !this.#readHeader()) return messages;
      const length = this.#body ?? 0;
      if (this.#length < length) return messages;
      messages.push(decoder.decode(this.#take(length)));
      this.#body = null;
    }
  }

  #readHeader(): boolean {
    const all = this.#all();
    const end = endOfHeader(all.subarray(0, MOST_HEADER));
    if (end < 0) {
      if (all.byteLength >= MOST_HEADER) throw new Error('It does not speak the language server protocol');
      return false;
    }
    const length = /^content-length: *(\d{1,9})\r?$/im.exec(decoder.decode(this.#take(end)))?.[1];
    if (length === undefined) throw new Error('It does not speak the language server protocol');
    if (Number(length) > MOST_MESSAGE) throw new Error('It sent a message that is too large');
    this.#body = Number(length);
    return true;
  }

  #all(): Uint8Array {
    const [only] = this.#pieces;
    if (this.#pieces.length === 1 && only !== undefined) return only;
    const all = concat(...this.#pieces);
    this.#pieces = [all];
    return all;
  }

  #take(length: number): Uint8Array {
    const all = this.#all();
    this.#pieces = length === all.byteLength ? [] : [all.subarray(length)];
    this.#length -= length;
    return all.subarray(0, length);
  }
}

/** @returns the offset behind the empty line; -1: there is none yet */
function endOfHeader(bytes: Uint8Array): number {
  for (let at = 3; at < bytes.byteLength; at += 1)
    if (bytes[at] === 10 && bytes[at - 1] === 13 && bytes[at - 2] === 10 && bytes[at - 3] === 13) return at + 1;
  return -1;
}
