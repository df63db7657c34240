import type { Step } from '../../src/terminals/screens/screens.ts';

export type Roll = (below: number) => number;

/** Chance that a seed repeats. */
export function seededRoll(seed: number): Roll {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * below) | 0;
  };
}

const WORDS = ['word', 'a longer piece of text ', ' ', 'éß', '│─', 'x'.repeat(30), '\u00a0\u00b5', 'qqjjxx'];
/** two columns wide, or none */
const WIDE_WORDS = [...WORDS, '漢字', 'e\u0301', '한글', '🙂', '\u0301'];
/** what makes xterm.js keep a half of a wide character */
const SPLITTING = /^.\[(\d*[@P]|4h|\?7l)$/;
const MODES = [
  '1',
  '6',
  '7',
  '25',
  '45',
  '66',
  '9',
  '1000',
  '1002',
  '1003',
  '1004',
  '1006',
  '1016',
  '2004',
  '12',
  '47',
  '1047',
  '1048',
  '1049',
];
const SGR = [
  '',
  '0',
  '1',
  '2',
  '3',
  '4',
  '4:3',
  '21',
  '24',
  '58:5:9',
  '58:2::1:2:3',
  '59',
  '5',
  '7',
  '27',
  '8',
  '9',
  '22',
  '53',
  '55',
  '31',
  '97',
  '39',
  '44',
  '103',
  '49',
];
const COLOURS = ['38;5;200', '48;5;17', '38;2;1;2;3', '48;2;200;100;0', '38:2::9:8:7'];
const SINGLE = ['\r', '\n', '\r\n', '\b', '\t', '\x07', '\x1bD', '\x1bE', '\x1bM', '\x1b7', '\x1b8', '\x1b=', '\x1b>', '\u0085'];
const RARE = [
  '\x1bc',
  '\x1b[!p',
  '\x1b#8',
  '\x1b[20h',
  '\x1b[20l',
  '\x1b[1"q',
  '\x1b[0"q',
  '\x1b[?2J',
  '\x1b[?K',
  '\x1b_ignored\x1b\\',
  '\x1bP$qm\x1b\\',
];
const OSC = ['0;a title', '2;größer', '4;1;#102030', '10;rgb:1/2/3', '110', '104'];

/**
 * One thing that a program may write, or another size.
 * @param wide whether there are wide and combining characters; nothing splits them then
 */
export function randomStep(roll: Roll, wide: boolean): string | Exclude<Step, Uint8Array> {
  const step = anyStep(roll, wide ? WIDE_WORDS : WORDS);
  return wide && typeof step === 'string' && SPLITTING.test(step) ? '' : step;
}

function anyStep(roll: Roll, words: string[]): string | Exclude<Step, Uint8Array> {
  const one = <T>(all: readonly T[]): T => all[roll(all.length)] as T;
  const number = (below: number) => (roll(4) === 0 ? '' : String(roll(below)));
  switch (roll(24)) {
    case 0:
      return roll(6) === 0 ? { cols: 2 + roll(60), rows: 2 + roll(24) } : one(words);
    case 1:
      return roll(5) === 0 ? one(RARE) : one(words);
    case 2:
    case 3:
      return `\x1b[${number(26)};${number(60)}H`;
    case 4:
      return `\x1b[${number(12)}${one([...'ABCDEFGde`aIZ'])}`;
    case 5:
      // not at the end of the last row, where this makes xterm.js throw
      return `\x1b[${number(3)}${one(['J', 'K'])}`.replace('\x1b[1J', '\r\x1b[1J');
    case 6:
      return `\x1b[${number(6)}${one([...'LM@PXSTb'])}`;
    case 7:
      return `\x1b[${number(20)};${number(26)}r`;
    case 8:
    case 9:
      return `\x1b[?${one(MODES)}${one(['h', 'l'])}`;
    case 10:
      return `\x1b[4${one(['h', 'l', 'l'])}`;
    case 11:
      return `\x1b${one(['(', ')', '*'])}${one(['0', 'B', 'A'])}`;
    case 12:
      return `\x1b]${one(OSC)}${one(['\x07', '\x1b\\'])}`;
    case 13:
      return `\x1b[${roll(7)} q`;
    case 14:
    case 15:
      return one(SINGLE);
    case 16:
    case 17:
      return `\x1b[${one([...SGR, ...COLOURS])}${roll(2) ? '' : `;${one(SGR)}`}m`;
    default:
      return one(words);
  }
}
