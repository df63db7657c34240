import type { Stream, StreamEvents } from '../host.ts';

/** A service whose program is loaded when it is first asked for: most sandboxes never need it. What comes meanwhile waits in order. */
export function later(stream: Stream, load: () => Promise<StreamEvents>): StreamEvents {
  let events: StreamEvents | null = null;
  let waiting: Array<(events: StreamEvents) => void> = [];
  const pass = (call: (events: StreamEvents) => void) => {
    if (events !== null) call(events);
    else waiting.push(call);
  };
  load().then(
    (loaded) => {
      events = loaded;
      for (const call of waiting) call(loaded);
      waiting = [];
    },
    (error: unknown) => stream.fail(error),
  );
  return {
    data: (bytes, offset) => pass((to) => to.data?.(bytes, offset)),
    message: (value) => pass((to) => to.message?.(value)),
    ack: (offset) => pass((to) => to.ack?.(offset)),
    fin: () => pass((to) => to.fin?.()),
    reset: () => pass((to) => to.reset?.()),
  };
}
