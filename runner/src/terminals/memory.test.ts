import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PtyInfo } from '@gatehouse/core/protocol/services.ts';
import { describe, expect, it } from 'vitest';
import { mintFolder } from '../../test/support/mint.ts';
import { TerminalMemory } from './memory.ts';

const info = (terminalId: string, exit: PtyInfo['exit'] = null): PtyInfo => ({
  terminalId,
  name: terminalId,
  cols: 80,
  rows: 24,
  offset: 9,
  exit,
  look: { color: 'red', icon: 'server' },
  task: null,
});
const lostIn = (folder: string) => new TerminalMemory(folder).lost.map(({ terminalId, lost }) => `${terminalId}: ${lost ?? ''}`);

describe('the memory of terminals', () => {
  it('tells which were lost, and not those that had ended by themselves', () => {
    const folder = mintFolder();
    const memory = new TerminalMemory(folder);
    memory.keep([info('one'), info('two', { code: 0, signal: null }), info('three')]);
    expect(lostIn(folder)).toEqual([]);
    memory.lose('It burnt');
    expect(lostIn(folder)).toEqual(['one: It burnt', 'three: It burnt']);
  });

  it('keeps why each was lost, until it is closed or the next sandbox is lost too', () => {
    const folder = mintFolder();
    new TerminalMemory(folder).keep([info('one'), info('two')]);
    new TerminalMemory(folder).lose('It burnt');
    expect(lostIn(folder)).toEqual(['one: It burnt', 'two: It burnt']);
    new TerminalMemory(folder).keep([info('two', { code: null, signal: null, reason: 'It burnt' }), info('three')]);
    expect(lostIn(folder)).toEqual(['two: It burnt']);
    new TerminalMemory(folder).lose('It drowned');
    expect(lostIn(folder)).toEqual(['three: It drowned']);
  });

  it('keeps the newest sixteen', () => {
    const folder = mintFolder();
    const memory = new TerminalMemory(folder);
    memory.keep(Array.from({ length: 20 }, (_, index) => info(String(index))));
    memory.lose('It burnt');
    expect(lostIn(folder)).toHaveLength(16);
    expect(lostIn(folder).at(-1)).toBe('19: It burnt');
  });

  it('does not change once it is said how the sandbox ended', () => {
    const folder = mintFolder();
    const memory = new TerminalMemory(folder);
    memory.keep([info('one')]);
    memory.forget();
    memory.keep([info('one')]);
    new TerminalMemory(folder).lose('It burnt');
    expect(lostIn(folder)).toEqual([]);
  });

  it('begins anew from a damaged file', () => {
    const folder = mintFolder();
    writeFileSync(join(folder, 'terminals.json'), '[{');
    expect(lostIn(folder)).toEqual([]);
  });
});
