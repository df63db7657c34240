import type { IDisposable, Terminal } from '@xterm/xterm';

/**
 * Questions that programs put to a terminal are answered through its input. Those in a replay were answered long
 * ago: answered again, the answer would stand at the prompt as if somebody had typed it.
 * @param replaying whether what is being parsed now is a replay
 */
export function guardReplay({ parser }: Terminal, replaying: () => boolean): IDisposable[] {
  const isQuestion = (data: string): boolean => replaying() && data.includes('?');
  return [
    ...[{ final: 'c' }, { prefix: '>', final: 'c' }, { prefix: '=', final: 'c' }].map((id) => parser.registerCsiHandler(id, replaying)),
    ...[{ final: 'n' }, { prefix: '?', final: 'n' }].map((id) => parser.registerCsiHandler(id, replaying)),
    ...[
      { intermediates: '$', final: 'p' },
      { prefix: '?', intermediates: '$', final: 'p' },
    ].map((id) => parser.registerCsiHandler(id, replaying)),
    parser.registerCsiHandler({ prefix: '>', final: 'q' }, replaying),
    parser.registerDcsHandler({ intermediates: '$', final: 'q' }, replaying),
    ...[4, 10, 11, 12].map((command) => parser.registerOscHandler(command, isQuestion)),
  ];
}
