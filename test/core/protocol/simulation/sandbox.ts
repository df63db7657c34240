import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { decodeJson, encodeJson, type Frame } from '@gatehouse/core/protocol/frame.ts';
import { FrameReader, writeFrame, type ChannelFrame } from '../../../../runner/src/channel/framing.ts';
import { HelperClient } from '../../../../runner/src/channel/helper-client.ts';
import { helperRequest, terminalControl } from '../../../../runner/src/channel/requests.ts';
import { Program } from './program.ts';
import type { World } from './world.ts';

/** How long the helper takes to hear, and at most to start a program, in milliseconds. */
const HEARS = 1;
const STARTS = 500;

/** The helper in a sandbox, as the runner sees it, with programs that do what the scenario says. */
export class Sandbox {
  readonly helper: HelperClient;
  /** by the terminal's id */
  readonly programs = new Map<string, Program>();
  readonly #world: Pick<World, 'clock' | 'chance'>;
  readonly #toRunner: Writable;
  readonly #byStream = new Map<number, Program>();
  /** whose input comes next, by stream */
  readonly #clients = new Map<number, string>();

  constructor(world: Pick<World, 'clock' | 'chance'>, fault: (what: string) => void) {
    this.#world = world;
    const reader = new FrameReader();
    const toHelper = through((piece) => {
      for (const frame of reader.push(piece)) world.clock.after(HEARS, () => this.#hear(frame));
    });
    this.#toRunner = through((piece) => toHelper.emit('data', piece));
    this.helper = new HelperClient(toHelper, fault);
  }

  #hear(frame: Frame): void {
    const { stream } = frame;
    const program = this.#byStream.get(stream);
    if (frame.type === 'open') this.#open(stream, helperRequest.parse(decodeJson(frame.payload)));
    else if (program === undefined) return;
    else if (frame.type === 'data') {
      program.type(frame.payload);
      const clientId = this.#clients.get(stream);
      const offset = frame.offset + frame.payload.byteLength;
      this.#answer({ type: 'message', stream, payload: encodeJson({ kind: 'typed', clientId, offset }) });
    } else if (frame.type === 'message') this.#control(stream, program, decodeJson(frame.payload));
  }

  #open(stream: number, request: ReturnType<typeof helperRequest.parse>): void {
    if (request.method !== 'terminal.open') return this.#answer({ type: 'head', stream, payload: encodeJson({ ok: true }) });
    const { terminalId, name, cols, rows } = request;
    this.#world.clock.after(this.#world.chance.between(1, STARTS), () => {
      const program = new Program(this.#world.clock, { cols, rows }, (payload, offset) =>
        this.#answer({ type: 'data', stream, offset, payload }),
      );
      this.#byStream.set(stream, program);
      this.programs.set(terminalId, program);
      const terminal = { terminalId, name, cols, rows, start: 0, end: 0, exit: null };
      this.#answer({ type: 'head', stream, payload: encodeJson({ ok: true, terminal, offset: 0, inputs: [] }) });
    });
  }

  #control(stream: number, program: Program, said: unknown): void {
    const control = terminalControl.parse(said);
    if (control.kind === 'client') this.#clients.set(stream, control.clientId);
    else if (control.kind === 'resize') {
      const { cols, rows } = control;
      program.pty.resize({ cols, rows });
      this.#answer({ type: 'message', stream, payload: encodeJson({ kind: 'resized', offset: program.pty.end, cols, rows }) });
    } else if (control.kind !== 'rename') program.pause(control.kind === 'pause');
  }

  #answer(frame: ChannelFrame): void {
    writeFrame(this.#toRunner, frame);
  }
}

/** A socket as far as frames need one: what is written to it is there at once. */
function through(write: (piece: Uint8Array) => void): Socket {
  const nothing = (): void => undefined;
  return Object.assign(new EventEmitter(), { destroyed: false, cork: nothing, uncork: nothing, write }) as unknown as Socket;
}
