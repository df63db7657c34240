import { z } from 'zod';
import { CLOSE_CODES, type CloseName } from './close.ts';
import { fromRunnerLink, fromViewer, LIMITS, type FromRunnerLink, type ToRunnerLink, type ToViewer } from './connection.ts';
import { decodeFrame, decodeJson, encodeControl, stampViewer, type Frame } from './frame.ts';
import { held, markDue, meter, newMeter, takeEcho } from './meter.ts';

const count = z.number().int().min(0);

/** What the broker remembers of one socket: small, because it is written down with each frame. It changes in place. */
export const seat = z.object({
  /** number of the viewer; 0: the runner's proved link */
  viewer: count,
  /** what went to the socket and was not echoed yet */
  meter,
  /** of a viewer: bytes that came from it and were given to the runner's link, … */
  received: count,
  /** … of them those before the newest mark that the link was sent on its account, … */
  marked: count,
  /** … and those before the newest of these marks that the runner echoed */
  taken: count,
  /** streams that it has open */
  streams: z.array(count),
  /** frames of a viewer that a person's act stands behind: what was typed or saved, not what a page sends by itself */
  acts: count.default(0),
});
export type Seat = z.infer<typeof seat>;

const newSeat = (viewer: number): Seat => ({ viewer, meter: newMeter(), received: 0, marked: 0, taken: 0, streams: [], acts: 0 });

/** What the runner says of a viewer. */
export type Verdict = Extract<FromRunnerLink, { viewer: number }>;

export interface SwitchboardPorts<S> {
  /** writes a seat down, so that it outlives this program */
  keep(socket: S, seat: Seat): void;
  send(socket: S, message: Uint8Array): void;
  /** @param why for the trail, and for whom the code says too little */
  close(socket: S, name: CloseName, why: string): void;
  /** a link that is not proved yet sent its proof: `linkUp` when it is good */
  prove(socket: S, signature: string): void;
  /** the runner spoke of a viewer that is here; one that it refuses is closed after this */
  told(verdict: Verdict): void;
  /** a viewer is gone */
  ended(seat: Seat, reason: string): void;
  /** milliseconds since the epoch */
  now(): number;
  /** 0 to 2^32 - 1, not to be guessed */
  nonce(): number;
}

/** Moves frames between the viewers and the runner of one workspace, and keeps to SPEC K whoever lies. */
export class Switchboard<S> {
  readonly #ports: SwitchboardPorts<S>;
  readonly #seats = new Map<S, Seat>();
  readonly #viewers = new Map<number, S>();
  #link: S | undefined;

  constructor(ports: SwitchboardPorts<S>) {
    this.#ports = ports;
  }

  /** whether the runner's proved link is there */
  get linked(): boolean {
    return this.#link !== undefined;
  }

  viewer(number: number): S | undefined {
    return this.#viewers.get(number);
  }

  /** numbers of the viewers that are here */
  get viewers(): number[] {
    return [...this.#viewers.keys()];
  }

  /** how often that viewer has acted */
  actsOf(number: number): number {
    const socket = this.#viewers.get(number);
    return (socket === undefined ? undefined : this.#seats.get(socket))?.acts ?? 0;
  }

  /** A socket takes the place that was written down for it. */
  restore(socket: S, kept: Seat): void {
    this.#seats.set(socket, kept);
    if (kept.viewer === 0) this.#link = socket;
    else this.#viewers.set(kept.viewer, socket);
  }

  /** SPEC O3, O5: the link has proved itself. An older one goes, and with it its viewers. */
  linkUp(socket: S): void {
    if (this.#link !== undefined) this.close(this.#link, 'replaced');
    this.#admit(socket, 0);
    this.#say(socket, { kind: 'ready' });
  }

  /** SPEC O2: a viewer joins. Its number is nobody else's here, and the link is there. */
  join(socket: S, viewer: number): void {
    this.#admit(socket, viewer);
    this.#say(socket, { kind: 'welcome', viewer });
    if (this.#link !== undefined) this.#say(this.#link, { kind: 'joined', viewer });
  }

  /** @param why for the trail, where the code says too little */
  close(socket: S, name: CloseName, why: string = CLOSE_CODES[name].reason): void {
    this.left(socket, why);
    this.#ports.close(socket, name, why);
  }

  /** A socket is gone. SPEC O5: with the link go all viewers. */
  left(socket: S, reason: string): void {
    const gone = this.#seats.get(socket);
    if (gone === undefined) return;
    this.#seats.delete(socket);
    if (gone.viewer === 0) {
      this.#link = undefined;
      for (const viewer of this.#viewers.values()) this.close(viewer, 'runnerAway');
      return;
    }
    this.#viewers.delete(gone.viewer);
    this.#ports.ended(gone, reason);
    if (this.#link !== undefined) this.#say(this.#link, { kind: 'left', viewer: gone.viewer });
  }

  /** A binary message of any socket. The viewer's number is written into it in place. */
  receive(socket: S, message: Uint8Array): void {
    const frame = parsed(() => decodeFrame(message));
    if (frame === null) return this.close(socket, 'protocol');
    const from = this.#seats.get(socket);
    if (from === undefined) this.#fromStranger(socket, frame);
    else if (from.viewer === 0) this.#fromRunner(socket, from, frame, message);
    else this.#fromViewer(socket, from, frame, message);
  }

  /** SPEC K5: closes sockets that have owed an echo for too long, and asks those that owe none whether they are there. */
  sweep(): void {
    for (const [socket, asked] of this.#seats) {
      const [oldest] = asked.meter.marks;
      if (oldest === undefined) {
        this.#mark(socket, asked, null);
        this.#ports.keep(socket, asked);
      } else if (this.#ports.now() - oldest.at > LIMITS.echoWithin) this.close(socket, 'slow');
    }
  }

  #admit(socket: S, viewer: number): void {
    const made = newSeat(viewer);
    this.restore(socket, made);
    this.#ports.keep(socket, made);
  }

  /** SPEC O3: a link that is not proved has nothing to say but its proof. */
  #fromStranger(socket: S, frame: Frame): void {
    const said = frame.type === 'control' ? saidIn(frame, fromRunnerLink) : null;
    if (said?.kind === 'proof') this.#ports.prove(socket, said.signature);
    else this.close(socket, 'unauthenticated');
  }

  /** SPEC F5: what a viewer sends goes to the runner, with the number that the broker gave it. */
  #fromViewer(socket: S, from: Seat, frame: Frame, message: Uint8Array): void {
    if (frame.type === 'control') return this.#echo(socket, from, saidIn(frame, fromViewer)?.nonce);
    const to = this.#link === undefined ? undefined : this.#seats.get(this.#link);
    if (this.#link === undefined || to === undefined) return this.close(socket, 'runnerAway');
    if (!countStream(from.streams, frame)) return this.close(socket, 'protocol');
    stampViewer(message, from.viewer);
    from.received += message.byteLength;
    if (frame.type === 'data') from.acts += 1;
    this.#give(this.#link, to, message, from);
    this.#ports.keep(socket, from);
    if (from.received - from.taken > LIMITS.heldBySocket) this.close(socket, 'slow');
    this.#bound();
  }

  /** SPEC F5: what the runner sends goes to the viewer that the frame names, if that is still here. */
  #fromRunner(socket: S, link: Seat, frame: Frame, message: Uint8Array): void {
    if (frame.type === 'control') return this.#runnerControl(socket, link, frame);
    const viewer = this.#viewers.get(frame.viewer);
    const to = viewer === undefined ? undefined : this.#seats.get(viewer);
    if (viewer === undefined || to === undefined) return;
    if (frame.type === 'reset' || frame.type === 'fin') forgetStream(to.streams, frame.stream);
    this.#give(viewer, to, message, null);
    if (held(to.meter) > LIMITS.heldBySocket) this.close(viewer, 'slow');
    this.#bound();
  }

  #runnerControl(socket: S, link: Seat, frame: Frame): void {
    const said = saidIn(frame, fromRunnerLink);
    if (said === null || said.kind === 'proof') return this.close(socket, 'protocol');
    if (said.kind === 'echo') return this.#echo(socket, link, said.nonce);
    const viewer = this.#viewers.get(said.viewer);
    // It may have left while this was on its way.
    if (viewer === undefined) return;
    this.#ports.told(said);
    if (said.kind === 'refuse') this.close(viewer, 'protocol');
  }

  /** SPEC K2. The runner's echo tells also how much of that viewer's has left the broker. */
  #echo(socket: S, from: Seat, nonce: number | undefined): void {
    const mark = nonce === undefined ? null : takeEcho(from.meter, nonce);
    if (mark === null) return this.close(socket, 'protocol');
    this.#ports.keep(socket, from);
    const viewer = this.#viewers.get(mark.viewer);
    const account = viewer === undefined ? undefined : this.#seats.get(viewer);
    if (viewer === undefined || account === undefined) return;
    account.taken = mark.received;
    this.#ports.keep(viewer, account);
  }

  /** SPEC K2: counts what a socket is given, and asks for an echo in time. `account`: the viewer that it is from */
  #give(socket: S, to: Seat, message: Uint8Array, account: Seat | null): void {
    to.meter.sent += message.byteLength;
    this.#ports.send(socket, message);
    const unmarked = account === null ? 0 : account.received - account.marked;
    if (unmarked >= LIMITS.markEvery || markDue(to.meter)) this.#mark(socket, to, account);
    this.#ports.keep(socket, to);
  }

  #mark(socket: S, to: Seat, account: Seat | null): void {
    const nonce = this.#ports.nonce();
    const { viewer, received } = account ?? { viewer: 0, received: 0 };
    to.meter.marks.push({ nonce, sent: to.meter.sent, at: this.#ports.now(), viewer, received });
    if (account !== null) account.marked = received;
    this.#say(socket, { kind: 'mark', nonce });
  }

  /** SPEC K4, over all sockets. */
  #bound(): void {
    for (;;) {
      let all = 0;
      let most: S | undefined;
      let bytes = -1;
      for (const [socket, { meter }] of this.#seats) {
        all += held(meter);
        if (held(meter) <= bytes) continue;
        most = socket;
        bytes = held(meter);
      }
      if (all <= LIMITS.heldByWorkspace || most === undefined) return;
      this.close(most, 'slow');
    }
  }

  #say(socket: S, message: ToViewer | ToRunnerLink): void {
    this.#ports.send(socket, encodeControl(message));
  }
}

/** SPEC K3: follows what a viewer opens and resets. @returns false when there are too many */
function countStream(open: number[], { type, stream }: Frame): boolean {
  if (type === 'open') return open.push(stream) <= LIMITS.streams;
  if (type === 'reset') forgetStream(open, stream);
  return true;
}

function forgetStream(open: number[], stream: number): void {
  const at = open.indexOf(stream);
  if (at >= 0) open.splice(at, 1);
}

const saidIn = <T extends z.ZodType>(frame: Frame, schema: T): z.infer<T> | null => parsed(() => schema.parse(decodeJson(frame.payload)));

function parsed<T>(parse: () => T): T | null {
  try {
    return parse();
  } catch {
    return null;
  }
}
