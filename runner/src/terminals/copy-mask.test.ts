import { describe, expect, it } from 'vitest';
import { CopyMask } from './copy-mask.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
/** What a viewer gets of output that comes in these pieces, NULs left out as a screen does. */
const shown = (most: number | null, ...pieces: string[]) => {
  const mask = new CopyMask(() => most);
  const passed = pieces.map((piece) => mask.pass(Buffer.from(piece)));
  return Buffer.concat(passed).toString().replaceAll('\0', '');
};
const SECRET = base64('a secret of the workspace');

describe('D4 what a program writes to the clipboard of its viewers by itself', () => {
  const forms: [string, string][] = [
    ['with BEL', `\x1b]52;c;${SECRET}\x07`],
    ['with ESC \\', `\x1b]52;c;${SECRET}\x1b\\`],
    ['with eight-bit controls', `\u009d52;c;${SECRET}\u009c`],
    ['with zeros before its number', `\x1b]0052;c;${SECRET}\x07`],
    ['with controls in between', `\x1b\r]5\n2;\bc;${SECRET}\x07`],
    ['without a target', `\x1b]52;;${SECRET}\x07`],
    ['within another string', `\x1b]0;title\x1b]52;c;${SECRET}\x07`],
    ['that is given up', `\x1b]52;c;${SECRET}\x18`],
  ];
  it.each(forms)('is taken out where copying is blocked: %s', (_name, sequence) => {
    const text = shown(0, `before${sequence}after`);
    expect(text).not.toContain(SECRET.slice(0, 4));
    expect(text).toMatch(/^before.*after$/su);
  });

  it.each(forms)('is found wherever the pieces are cut, and what ends it stays: %s', (_name, sequence) => {
    const whole = shown(0, `a${sequence}b`);
    for (let cut = 1; cut < sequence.length; cut += 1)
      expect(shown(0, `a${sequence.slice(0, cut)}`, `${sequence.slice(cut)}b`)).toBe(whole);
  });

  it('is cut at the bound, and passes whole below it and where there is none', () => {
    const copy = (bytes: number) => `\x1b]52;c;${base64('x'.repeat(bytes))}\x07`;
    expect(shown(1024, copy(1024))).toBe(copy(1024));
    const cut = shown(1023, copy(5000)).slice('\x1b]52;c;'.length, -1);
    expect(Buffer.from(cut, 'base64').byteLength).toBe(1023);
    expect(shown(null, copy(5000))).toBe(copy(5000));
    expect(shown(1024, copy(1000) + copy(1000))).toBe(copy(1000).repeat(2));
  });

  it('is all that is taken out: every other byte, and every offset, stays', () => {
    const output = `ls\r\n\x1b[31mred\x1b[0m \x1b]0;a title\x07\x1b]8;;https://a.example\x1b\\link\x1b]8;;\x1b\\ â–ˆ é Â ©\x1b]520;x;${SECRET}\x07\x1b[52;1H`;
    expect(shown(0, output)).toBe(output);
    const bytes = Buffer.from(`a\x1b]52;c;${SECRET}\x07b`);
    const passed = new CopyMask(() => 0).pass(bytes);
    expect(passed.byteLength).toBe(bytes.byteLength);
    expect([passed[0], passed.at(-1), bytes.includes(SECRET)]).toEqual([0x61, 0x62, true]);
  });
});
