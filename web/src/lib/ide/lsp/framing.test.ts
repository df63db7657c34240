import { describe, expect, it } from 'vitest';
import { frameOf, MessageReader, MOST_MESSAGE } from './framing.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('messages of a language server', () => {
  it('are whole again however their bytes were cut', () => {
    const [first, second] = ['{"a":"ä😀"}', '{"b":2}'];
    const all = [...frameOf(first), ...frameOf(second)];
    for (const size of [1, 2, 7, 1000]) {
      const reader = new MessageReader();
      const got: string[] = [];
      for (let at = 0; at < all.length; at += size) got.push(...reader.push(new Uint8Array(all.slice(at, at + size))));
      expect(got).toEqual([first, second]);
    }
  });

  it('may have other headers, in any case', () => {
    expect(new MessageReader().push(bytes('content-type: x\r\nCONTENT-LENGTH: 2\r\n\r\n{}'))).toEqual(['{}']);
  });

  it('are refused where they are none, or too large', () => {
    expect(() => new MessageReader().push(bytes('Welcome!\r\n\r\n'))).toThrow('does not speak');
    expect(() => new MessageReader().push(bytes('x'.repeat(5000)))).toThrow('does not speak');
    expect(() => new MessageReader().push(bytes(`Content-Length: ${MOST_MESSAGE + 1}\r\n\r\n`))).toThrow('too large');
  });
});
