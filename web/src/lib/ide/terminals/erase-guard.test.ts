import { Terminal } from '@xterm/xterm';
import { expect, it } from 'vitest';
import { guardErase } from './erase-guard.ts';

const shown = (terminal: Terminal): string[] =>
  Array.from({ length: terminal.rows }, (_, row) => terminal.buffer.active.getLine(row)?.translateToString(true) ?? '');

it.each(['\x1b[1J', '\x1b[?1J'])('goes on after erasing up to the last cell of the screen (%j)', async (erase) => {
  const terminal = new Terminal({ cols: 5, rows: 2, allowProposedApi: true });
  guardErase(terminal);
  await new Promise<void>((parsed) => terminal.write(`abc\x1b[999;999Hx${erase}\x1b[Hok`, parsed));
  expect(shown(terminal)).toEqual(['ok', '']);
  terminal.dispose();
});

it('erases up to the cursor elsewhere, as ever', async () => {
  const terminal = new Terminal({ cols: 5, rows: 2, allowProposedApi: true });
  guardErase(terminal);
  await new Promise<void>((parsed) => terminal.write('abcde\r\nfghij\x1b[2;2H\x1b[1J', parsed));
  expect(shown(terminal)).toEqual(['', '  hij']);
  terminal.dispose();
});
