import { describe, expect, it } from 'vitest';
import { randomStep, seededRoll } from '../../test/support/random-output.ts';
import { OutputScanner } from './output-scanner.ts';
import { makeHeadless, play } from './screens/headless-screen.ts';
import { coreOf, isAtRest } from './screens/xterm-core.ts';

const encode = (text: string) => new TextEncoder().encode(text);

describe('the scanner', () => {
  it('cuts output only where a terminal’s parser is at rest, however the output is split', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const roll = seededRoll(seed);
      const texts = Array.from({ length: 100 }, () => randomStep(roll, true)).filter((step) => typeof step === 'string');
      const bytes = encode(texts.join(''));
      const terminal = makeHeadless({ cols: 40, rows: 10 });
      const scanner = new OutputScanner(0);
      let parsed = 0;
      while (scanner.end < bytes.length) {
        const before = scanner.end;
        scanner.scan(bytes.subarray(before, before + 1 + roll(seed % 2 ? 7 : 60)));
        const clean = scanner.clean ?? expect.fail('lost');
        play(terminal, [bytes.slice(parsed, clean)]);
        parsed = clean;
        expect(isAtRest(coreOf(terminal)), `seed ${seed}, offset ${clean}`).toBe(true);
      }
    }
  });

  const scanned = (text: string) => {
    const scanner = new OutputScanner(0);
    scanner.scan(encode(text));
    return { clean: scanner.clean, modes: Buffer.from(scanner.modes).toString() };
  };

  it.each([
    ['before the last character, which another may join or ask to repeat', 'text', 3],
    ['before what joins too', 'e\u0301\u200d', 0],
    ['before the last of two wide ones', '\u6f22\u5b57', 3],
    ['behind a control character', 'text\r\n', 6],
    ['before a sequence that goes on', 'text\r\n\x1b[3', 6],
    ['behind one that is over', 'text\x1b[m', 7],
    ['before a string until its terminator is whole', '\n\x1b]0;title\x1b', 1],
    ['behind eight-bit controls', '\u009b1m', 4],
  ])('cuts %s', (_, text, clean) => expect(scanned(text).clean).toBe(clean));

  it('carries the last of each mode, in their order', () => {
    const text =
      '\x1b[?1;1000;25h\x1b[31m\x1b[?1049h\x1b[2;5r\x1b]0;one\x07\x1b[?1002h\x1b(0\x1b=\x1b]2;two\x1b\\\x1b[?25l\x1b[5 q\x1b]11;?\x07\x1b[?2026h\n';
    expect(scanned(text).modes).toBe('\x1b[?1h\x1b[?1049h\x1b[2;5r\x1b[?1002h\x1b(0\x1b=\x1b]2;two\x1b\\\x1b[?25l\x1b[5 q');
    expect(scanned(`${text}\x1bc\x1b[?7l`).modes).toBe('\x1bc\x1b[?7l');
  });

  it('carries modes whose sequences are split', () => {
    const bytes = encode('\x1b[?2004h\x1b]2;a \u00fc\x07\u009b?1h\u6f22');
    const scanner = new OutputScanner(0);
    // the first byte of an eight-bit control is left until the second is there
    for (let end = 1; end < bytes.length; end++) scanner.scan(bytes.subarray(scanner.end, end));
    expect(Buffer.from(scanner.modes).toString()).toBe('\x1b[?2004h\x1b]2;a \u00fc\x1b\\\x1b[?1h');
    expect(scanner.clean).toBe(bytes.length - 3);
  });

  it('knows nothing of output that it joins in its middle, before a line or a sequence begins', () => {
    const scanner = new OutputScanner(1000);
    scanner.scan(encode('5;31mtext'));
    expect(scanner.clean).toBeNull();
    scanner.scan(encode(' goes on\nnext'));
    expect(scanner.clean).toBe(1000 + 9 + 9 + 3);
  });
});
