import type { Stream, StreamEvents } from '../host.ts';
import type { Listeners } from './listeners.ts';

const LOOK_EVERY = 2000;

/** Tells what listens, and again whenever that has changed, until nobody wants to know. */
export function watchPorts(listeners: Pick<Listeners, 'list'>, stream: Stream): StreamEvents {
  let told = '';
  const look = () => {
    const ports = listeners.list();
    const now = JSON.stringify(ports);
    if (now === told) return;
    told = now;
    stream.message({ kind: 'ports', ports });
  };
  stream.head({ ok: true });
  look();
  const timer = setInterval(look, LOOK_EVERY);
  return { reset: () => clearInterval(timer) };
}
