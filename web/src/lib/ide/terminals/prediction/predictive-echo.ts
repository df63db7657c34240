import type { Terminal } from '@xterm/xterm';
import type { Clock } from '../../connection/ports.ts';
import { Overlay } from './overlay.ts';
import type { Surroundings } from './ports.ts';
import { Predictor } from './predictor.ts';
import { XtermSurface } from './xterm-surface.ts';

/** Shows typed keys before a far program has echoed them. Nothing of it enters the terminal's buffer. */
export function predictiveEcho(terminal: Terminal, clock: Clock, surroundings: Surroundings): Predictor {
  const overlay = new Overlay(terminal);
  const predictor = new Predictor(new XtermSurface(terminal), clock, surroundings, (prediction) => overlay.show(prediction));
  terminal.onResize(() => predictor.reset());
  return predictor;
}
