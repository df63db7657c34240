import { describe, expect, it } from 'vitest';
import { pictureOf } from '../../../test/support/screen-picture.ts';
import { makeHeadless, makeLocalScreens, play } from './headless-screen.ts';

const size = { cols: 40, rows: 10 };
const encode = (text: string) => new TextEncoder().encode(text);

/** A terminal that has seen everything, and a fresh one that has seen only the state at the cut. */
async function both(before: string, after: string) {
  const screen = makeLocalScreens().open(size);
  const state = await screen.advance(() => [encode(before)]);
  screen.close();
  const whole = makeHeadless(size);
  play(whole, [encode(before), encode(after)]);
  const joined = makeHeadless(size);
  play(joined, [new Uint8Array(state ?? expect.fail('no state')), encode(after)]);
  return { whole, joined };
}

async function expectEqual(before: string, after = ''): Promise<void> {
  const { whole, joined } = await both(before, after);
  expect(pictureOf(joined)).toEqual(pictureOf(whole));
}

const VIM =
  '$ vim notes\r\n\x1b[?1049h\x1b[22;0;0t\x1b[>4;2m\x1b[?1h\x1b=\x1b[?2004h\x1b[?1004h\x1b[1;10r\x1b[?12h\x1b[?12l\x1b[27m\x1b[m\x1b[H\x1b[2J' +
  '\x1b[?25l\x1b[10;1H"notes" 3L, 42B\x1b[1;1H\x1b[33m  1 \x1b[mfirst \x1b[1;38;5;81mline\x1b[m\r\n\x1b[33m  2 \x1b[m漢字\r\n' +
  '\x1b[94m~\x1b[4;2H\x1b[K\x1b[5;1H~\x1b[m\x1b[1;5H\x1b[2 q\x1b[?25h\x1b[?1000h\x1b[?1002h\x1b[?1006h\x1b]2;notes + (~) - VIM\x07';
const LESS = 'text\r\n\x1b[?1049h\x1b[22;0;0t\x1b[?1h\x1b=\r' + 'a line\x1b[m\x1b[K\r\n'.repeat(9) + '\x1b[7mmanual page (1)\x1b[27m\x1b[K';
const HTOP =
  '\x1b[?1049h\x1b[22;0;0t\x1b[1;10r\x1b(B\x1b[m\x1b[4l\x1b[?7h\x1b[?1h\x1b=\x1b[?25l\x1b[39;49m\x1b[?1006;1000h\x1b[H\x1b[2J' +
  '\x1b[2d\x1b[36m  1\x1b[39m\x1b(B\x1b[0;1m[\x1b[m\x1b[32m||||\x1b[31m|\x1b[30m\x1b[1m\x1b[5b 12.5%\x1b[39m]' +
  '\x1b[5;1H\x1b[30m\x1b[42m  PID USER      PRI\x1b[K\x1b[6;1H\x1b[30m\x1b[46m    1 root       20\x1b[K\x1b[39;49m\x1b(B\x1b[m' +
  '\x1b[10d\x1b[mF1\x1b[30m\x1b[46mHelp  \x1b[39m\x1b[49mF2\x1b[30m\x1b[46mSetup\x1b[K\r\x1b[H';

describe('the state of a screen', () => {
  it.each([
    ['vim, left again', VIM, 'x\x1b[?1000l\x1b[?2004l\x1b[?1l\x1b>\x1b[10;1H\x1b[K\x1b[?1049l\x1b[23;0;0t$ '],
    ['less, scrolled', LESS, '\r\x1b[K\x1b[H\x1bMabove\r\n\x1b[10;1H\r\x1b[K:'],
    ['htop, drawn on', HTOP, '\x1b[3d\x1b[32m||\x1b[K\x1b[6;1H\x1b[m    2 init'],
    [
      'a progress bar below a scroll region',
      '\x1b[1;9r\x1b7\x1b[10;1H\x1b[42m 50%\x1b[K\x1b[m\x1b8Unpacking\r\n',
      'more\r\n\x1b7\x1b[10;1H 51%\x1b8next',
    ],
  ])('takes over from %s', async (_, before, after) => {
    await expectEqual(before);
    await expectEqual(before, after);
  });

  it('knows a cursor behind the last column, and lines that are one', async () => {
    const line = 'x'.repeat(40);
    await expectEqual(line, 'y');
    await expectEqual(line, '\r\ny');
    await expectEqual(`\x1b[44m${line}${line}漢${'字'.repeat(30)}`, 'y');
    const { whole, joined } = await both(`${line}${'漢'.repeat(45)}\r\n\r\n`, '');
    for (const terminal of [whole, joined]) play(terminal, [{ cols: 61, rows: 10 }]);
    expect(pictureOf(joined)).toEqual(pictureOf(whole));
  });

  it.each(['', '\x1b[?1049h\x1b[H'])('goes on behind a full line when rows come and go%j', async (before) => {
    const line = 'x'.repeat(39) + ',';
    const { whole, joined } = await both(before + line, '');
    for (const terminal of [whole, joined]) {
      play(terminal, [{ cols: 40, rows: 8 }, { cols: 40, rows: 10 }, encode('next')]);
      const text = [0, 1].map((row) => terminal.buffer.active.getLine(row)?.translateToString(true));
      expect(text).toEqual([line, 'next']);
    }
  });

  it('keeps underlines, links and protection, and what is selected for the next character', async () => {
    await expectEqual('\x1b[4:3;58:2::255:0:0mwavy\x1b[21mdouble\x1b[1;2;53;9mmuch\x1b[1"qkept\x1b[0"q', 'next\x1b[?2J');
    await expectEqual('see \x1b]8;id=7;https://example.com/a;b\x1b\\the \x1b[1mpage', ' here\x1b]8;;\x1b\\ and on');
    await expectEqual('\x1b[2mdim\x1b[22;1mbold\x1b[7;31m', 'both');
  });

  it('keeps character sets, tab stops, saved cursors and margins of both screens', async () => {
    await expectEqual('\x1b)0\x0eqqq', 'x\x0fq');
    await expectEqual('\x1b(A#', '#\x1b(B#');
    await expectEqual('\x1b[3g\x1b[5G\x1bH\x1b[11G\x1bH\r', '\tx\ty');
    await expectEqual(
      '\x1b[3;7r\x1b[4;4H\x1b[31m\x1b7\x1b[m\x1b[?47h\x1b[2;9r\x1b[?6h\x1b[5;5H\x1b7\x1b[H',
      'a\x1b8b\x1b[?47l\x1b8c\x1b[9;1H\n\n',
    );
  });

  it('keeps modes, cursor, title and changed colours', async () => {
    await expectEqual('\x1b[?1;6;45;66;1003;1004;1016;2004h\x1b[4;20h\x1b[?7;12;25l\x1b[5 q\x1b]0;größe\x07', 'abc\n');
    const screen = makeLocalScreens().open(size);
    const state = await screen.advance(() => [encode('\x1b]4;1;#102030\x07\x1b]11;rgb:00/11/22\x1b\\\x1b]12;red\x07\x1b]112\x07')]);
    expect(new TextDecoder().decode(state ?? undefined)).toContain('\x1b]4;1;rgb:10/20/30\x1b\\\x1b]11;rgb:00/11/22\x1b\\');
  });

  it('keeps the lines above the screen that a taller one takes back', async () => {
    const { whole, joined } = await both(Array.from({ length: 40 }, (_, index) => `line ${index}\r\n`).join(''), '');
    for (const terminal of [whole, joined]) for (const rows of [4, 30]) play(terminal, [{ cols: 40, rows }]);
    expect(pictureOf(joined)).toEqual(pictureOf(whole));
    expect(joined.buffer.active.getLine(joined.buffer.active.baseY)?.translateToString(true)).toBe('line 11');
  });

  it('is not to be had inside a sequence or character, nor after xterm.js has failed', async () => {
    for (const output of ['text \x1b[3', '\x1b]0;ti', '\x1bPq', '\u6f22'])
      expect(
        await makeLocalScreens()
          .open(size)
          .advance(() => [encode(output).slice(0, -1)]),
      ).toBeNull();
    // erasing up to the end of the last row throws in 6.0.0
    expect(
      await makeLocalScreens()
        .open(size)
        .advance(() => [encode('\x1b[10;40H\x1b[1J')]),
    ).toBeNull();
  });
});
