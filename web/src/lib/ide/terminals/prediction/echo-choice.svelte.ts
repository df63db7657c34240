import { ECHO_MODES, type EchoMode } from './ports.ts';

const KEY = 'gatehouse.ide.echo';

/** Whether typed keys are shown before their echo: chosen once for all terminals, kept in this browser. */
class EchoChoice {
  mode = $state<EchoMode>('automatic');

  constructor() {
    this.mode = ECHO_MODES.find((name) => name === localStorage.getItem(KEY)) ?? 'automatic';
  }

  choose(mode: EchoMode): void {
    this.mode = mode;
    localStorage.setItem(KEY, mode);
  }
}

export const echoChoice = new EchoChoice();
