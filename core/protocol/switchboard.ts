import type { CloseName } from './close.ts';
import { fromRunnerLink, fromViewer, LIMITS, type FromRunnerLink, type ToRunnerLink, type ToViewer } from './connection.ts';
import { decodeFrame, decodeJson, encodeFrame, encodeJson, stampViewer, type Frame } from './frame.ts';
import { echoed, held, sending, type Meter } from './meter.ts';

/** What the broker remembers of one socket: small, because it is written down with each frame. */
export interface Seat {
  /** number of the viewer; null: the runner's link */
  viewer: number | null;
  /** what went to the socket and was not echoed yet */
  meter: Meter;
  /** bytes that came from it */
  received: number;
  /** streams that a viewer has open */
  streams: number[];
}

export interface SwitchboardPorts<S> {
  /** the runner's proved link, if it is there */
  link(): S | undefined;
  viewers(): S[];
  /** the seat of a socket */
  seat(socket: S): Seat;
  keep(socket: S, seat: Seat): void;
  send(socket: S, message: Uint8Array): void;
  close(socket: S, name: CloseName): void;
  /** what the runner says to the broker itself, echoes aside */
  told(socket: S, message: Exclude<FromRunnerLink, { kind: 'echo' }>): void;
  now(): number;
  /** 0 to 2^32 - 1, not to be guessed */
  nonce(): number;
}

/** Moves frames between the viewers and the runner of one workspace, and keeps to SPEC K whoever lies. */
export class Switchboard<S> {
  readonly #ports: SwitchboardPorts<S>;

  constructor(ports: SwitchboardPorts<S>) {
    this.#ports = ports;
  }

  /** A message of a viewer. SPEC F5: it goes to the runner, the viewer's number set by the broker. */
  fromViewer(socket: S, message: Uint8Array): void {
    const frame = this.#frame(socket, message);
    if (frame === null) return;
    if (frame.type === 'control') return this.#viewerControl(socket, frame);
    const link = this.#ports.link();
    if (link === undefined) return this.#ports.close(socket, 'runnerAway');
    const seat = this.#ports.seat(socket);
    const streams = streamsAfter(seat.streams, frame);
    if (streams === null) return this.#ports.close(socket, 'protocol');
    this.#ports.keep(socket, { ...seat, streams, received: seat.received + message.byteLength });
    stampViewer(message, seat.viewer ?? 0);
    this.#pass(link, message);
  }

  /** A message of the runner's link. It goes to the viewer that the frame names, if that is still here. */
  fromRunner(socket: S, message: Uint8Array): void {
    const frame = this.#frame(socket, message);
    if (frame === null) return;
    if (frame.type === 'control') return this.#runnerControl(socket, frame);
    if (socket !== this.#ports.link()) return this.#ports.close(socket, 'unauthenticated');
    const seat = this.#ports.seat(socket);
    this.#ports.keep(socket, { ...seat, received: seat.received + message.byteLength });
    const viewer = this.#ports.viewers().find((other) => this.#ports.seat(other).viewer === frame.viewer);
    if (viewer === undefined) return;
    if (frame.type === 'reset' || frame.type === 'fin') this.#forgetStream(viewer, frame);
    this.#pass(viewer, message);
  }

  /** A message of the broker's own. */
  control(socket: S, message: ToViewer | ToRunnerLink): void {
    this.#pass(socket, encodeFrame({ type: 'control', sealed: false, viewer: 0, stream: 0, offset: 0, payload: encodeJson(message) }));
  }

  /** SPEC K5: closes sockets that have owed an echo for too long, and asks the silent ones whether they are there. */
  sweep(): void {
    const link = this.#ports.link();
    for (const socket of [...this.#ports.viewers(), ...(link === undefined ? [] : [link])]) {
      const seat = this.#ports.seat(socket);
      const [oldest] = seat.meter.marks;
      if (oldest === undefined) this.#mark(socket);
      else if (this.#ports.now() - oldest.at > LIMITS.echoWithin) this.#ports.close(socket, 'slow');
    }
  }

  #frame(socket: S, message: Uint8Array): Frame | null {
    try {
      return decodeFrame(message);
    } catch {
      this.#ports.close(socket, 'protocol');
      return null;
    }
  }

  #viewerControl(socket: S, frame: Frame): void {
    const echo = parsed(() => fromViewer.parse(decodeJson(frame.payload)));
    if (echo === null) return this.#ports.close(socket, 'protocol');
    this.#echo(socket, echo.nonce);
  }

  #runnerControl(socket: S, frame: Frame): void {
    const message = parsed(() => fromRunnerLink.parse(decodeJson(frame.payload)));
    if (message === null) return this.#ports.close(socket, 'protocol');
    if (message.kind === 'echo') this.#echo(socket, message.nonce);
    else this.#ports.told(socket, message);
  }

  #echo(socket: S, nonce: number): void {
    const seat = this.#ports.seat(socket);
    const meter = echoed(seat.meter, nonce);
    if (meter === null) return this.#ports.close(socket, 'protocol');
    this.#ports.keep(socket, { ...seat, meter });
  }

  #forgetStream(socket: S, { stream }: Frame): void {
    const seat = this.#ports.seat(socket);
    if (seat.streams.includes(stream)) this.#ports.keep(socket, { ...seat, streams: seat.streams.filter((other) => other !== stream) });
  }

  /** SPEC K2 to K4: counts what the socket is given, asks for an echo in time, and gives up whoever holds too much. */
  #pass(socket: S, message: Uint8Array): void {
    const seat = this.#ports.seat(socket);
    const { meter, due } = sending(seat.meter, message.byteLength);
    this.#ports.keep(socket, { ...seat, meter });
    this.#ports.send(socket, message);
    if (due) this.#mark(socket);
    if (held(meter) > LIMITS.heldBySocket) return this.#ports.close(socket, 'slow');
    if (due) this.#bound();
  }

  #mark(socket: S): void {
    const seat = this.#ports.seat(socket);
    const nonce = this.#ports.nonce();
    const at = this.#ports.now();
    this.#ports.keep(socket, { ...seat, meter: { ...seat.meter, marks: [...seat.meter.marks, { nonce, sent: seat.meter.sent, at }] } });
    const mark = { kind: 'mark', nonce } as const;
    this.#ports.send(socket, encodeFrame({ type: 'control', sealed: false, viewer: 0, stream: 0, offset: 0, payload: encodeJson(mark) }));
  }

  #bound(): void {
    const link = this.#ports.link();
    const holders = [...this.#ports.viewers(), ...(link === undefined ? [] : [link])]
      .map((socket) => ({ socket, bytes: held(this.#ports.seat(socket).meter) }))
      .sort((a, b) => b.bytes - a.bytes);
    let all = holders.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { socket, bytes } of holders) {
      if (all <= LIMITS.heldByWorkspace) return;
      this.#ports.close(socket, 'slow');
      all -= bytes;
    }
  }
}

/** The open streams after a viewer's frame; null when there are too many (SPEC K3). */
function streamsAfter(streams: number[], { type, stream }: Frame): number[] | null {
  if (type === 'open') return streams.length >= LIMITS.streams ? null : [...streams, stream];
  if (type === 'reset' && streams.includes(stream)) return streams.filter((other) => other !== stream);
  return streams;
}

function parsed<T>(parse: () => T): T | null {
  try {
    return parse();
  } catch {
    return null;
  }
}
