import { describe, expect, it } from 'vitest';
import { PushCommands, type PushedRefs } from './push-commands.ts';

const line = (text: string) => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;
const OLD = 'a'.repeat(40);
const NEW = 'b'.repeat(40);

/** Sends a push in pieces of that size. @returns what was known before anything passed, and what passed */
function push(
  text: string,
  options: { piece?: number; takes?: boolean } = {},
): Promise<{ known: PushedRefs[]; passed: string; error: string }> {
  const known: PushedRefs[] = [];
  let passed = '';
  return new Promise((resolve) => {
    const commands = new PushCommands((refs) => known.push(refs) > 0 && options.takes !== false);
    commands.on('data', (bytes: Buffer) => (passed += bytes.toString()));
    commands.on('end', () => resolve({ known, passed, error: '' }));
    commands.on('error', (error) => resolve({ known, passed, error: error.message }));
    const size = options.piece ?? text.length;
    for (let at = 0; at < text.length; at += size) commands.write(Buffer.from(text.slice(at, at + size)));
    commands.end();
  });
}

describe('a push', () => {
  const whole = `${line(`${OLD} ${NEW} refs/heads/main\0 report-status`)}${line(`${OLD} ${NEW} refs/heads/b\n`)}0000PACK-and-more`;

  it.each([1, 7, 1000])('is known by its refs before a byte of it passes, in pieces of %i', async (piece) => {
    const refs = ['aaaaaaaaaaaa→bbbbbbbbbbbb refs/heads/main', 'aaaaaaaaaaaa→bbbbbbbbbbbb refs/heads/b'];
    expect(await push(whole, { piece })).toEqual({ known: [{ refs, more: 0 }], passed: whole, error: '' });
  });

  it('does not pass where it can’t be recorded', async () => {
    expect(await push(whole, { takes: false })).toMatchObject({ passed: '', error: 'The push is refused' });
  });

  it('is recorded however its commands are written', async () => {
    const shouted = `${line(`${OLD.toUpperCase()} ${NEW.toUpperCase()} refs/heads/main\0`)}0000PACK`;
    expect((await push(shouted)).known).toEqual([{ refs: ['AAAAAAAAAAAA→BBBBBBBBBBBB refs/heads/main'], more: 0 }]);
    const odd = `${line(`shallow ${OLD}`)}${line('something of a later git\u001b[2J')}0000`;
    expect((await push(odd)).known).toEqual([{ refs: ['something of a later git?[2J'], more: 0 }]);
  });

  it('of many refs names fifty and counts the others; one without an end is none', async () => {
    const many = `${line(`${OLD} ${NEW} refs/heads/x`).repeat(70)}0000`;
    expect((await push(many)).known[0]).toMatchObject({ more: 20 });
    expect(await push(line(`${OLD} ${NEW} refs/heads/x`).repeat(20_000))).toMatchObject({
      known: [],
      passed: '',
      error: 'This is no push',
    });
  });

  it.each(['', '0000'])('that only asks whether one may passes: %j', async (text) => {
    expect(await push(text)).toMatchObject({ passed: text, error: '' });
  });

  it.each(['GIF89a', '0003', line('x').slice(0, 4)])('is not %j', async (text) => {
    expect(await push(text)).toMatchObject({ passed: '', error: 'This is no push' });
  });
});
