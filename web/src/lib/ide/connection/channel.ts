import type { MakeAead } from '@gatehouse/core/protocol/aead.ts';
import { runnerHello, toViewer, type RunnerHello } from '@gatehouse/core/protocol/connection.ts';
import { decodeFrame, decodeJson, encodeFrame, encodeJson, type Frame, type FrameType } from '@gatehouse/core/protocol/frame.ts';
import { Opener, Sealer, type PlainFrame } from '@gatehouse/core/protocol/seal.ts';
import { Greeting, type Introduction } from './greeting.ts';

export interface ChannelPorts {
  send(message: Uint8Array<ArrayBuffer>): void;
  makeAead: MakeAead;
}

export interface ChannelEvents {
  /** the runner has let this browser in: frames may be sent from now on */
  greeted(runner: RunnerHello): void;
  /** a frame that the runner sealed; may throw when it is not what the contract says */
  received(frame: PlainFrame): void;
  /** the broker closes the socket, with that code: nothing is delivered after it */
  closing(code: number): void;
  /** somebody on the way broke the rules: called once, and nothing is delivered after it */
  broken(): void;
}

type Step = 'welcome' | 'handshake' | 'hello' | 'open' | 'over';

/**
 * One socket from the broker's welcome to its end. In clear pass only the handshake and the broker's own marks; all
 * else is sealed end to end, and each step has its time: whatever else comes ends the channel.
 */
export class Channel {
  readonly #ports: ChannelPorts;
  readonly #events: ChannelEvents;
  readonly #greeting: Greeting;
  readonly #workspaceId: string;
  #step: Step = 'welcome';
  #viewer = 0;
  #sealer: Sealer | null = null;
  #opener: Opener | null = null;

  constructor(ports: ChannelPorts, introduction: Introduction, events: ChannelEvents) {
    this.#ports = ports;
    this.#events = events;
    this.#greeting = new Greeting(introduction);
    this.#workspaceId = introduction.workspaceId;
  }

  receive(message: ArrayBuffer): void {
    this.#guard(() => this.#take(decodeFrame(message)));
  }

  /** Seals a frame and sends it, in order. */
  send(type: FrameType, stream: number, offset: number, payload: Uint8Array): void {
    if (this.#step === 'open') this.#sealer?.seal({ type, viewer: this.#viewer, stream, offset, payload });
  }

  /** Nothing is sent or delivered any more, not even what is being sealed. */
  end(): void {
    this.#step = 'over';
  }

  #take(frame: Frame): void {
    if (this.#step === 'over') return;
    if (frame.type === 'control') return this.#control(frame);
    if (frame.type === 'handshake') return this.#handshake(frame);
    if (this.#opener === null) throw new Error('A frame came before the handshake');
    this.#opener.open(frame);
  }

  #control(frame: Frame): void {
    if (frame.sealed) throw new Error('The broker has no key');
    const body = toViewer.parse(decodeJson(frame.payload));
    if (body.kind === 'mark') return this.#clear('control', 0, encodeJson({ kind: 'echo', nonce: body.nonce }));
    if (body.kind === 'closing') {
      this.end();
      return this.#events.closing(body.code);
    }
    this.#advance('welcome', 'handshake');
    this.#viewer = body.viewer;
    this.#later(async () => {
      const message = await this.#greeting.begin(body.viewer);
      return () => this.#clear('handshake', body.viewer, message);
    });
  }

  #handshake(frame: Frame): void {
    if (frame.sealed || frame.stream !== 0) throw new Error('A handshake is in clear, on the connection itself');
    this.#advance('handshake', 'hello');
    this.#later(async () => {
      const { keys, hello } = await this.#greeting.finish(frame.payload);
      return () => {
        const broken = (): void => this.#break();
        this.#sealer = new Sealer(keys.send, this.#ports.makeAead, (message) => this.#step !== 'over' && this.#ports.send(message), broken);
        this.#opener = new Opener(keys.receive, this.#ports.makeAead, (opened) => this.#guard(() => this.#opened(opened)), broken);
        this.#sealer.seal({ type: 'hello', viewer: this.#viewer, stream: 0, offset: 0, payload: encodeJson(hello) });
      };
    });
  }

  #opened(frame: PlainFrame): void {
    if (this.#step === 'over') return;
    if (frame.type !== 'hello') {
      if (this.#step !== 'open') throw new Error('The runner spoke before it greeted');
      return this.#events.received(frame);
    }
    this.#advance('hello', 'open');
    const runner = runnerHello.parse(decodeJson(frame.payload));
    if (runner.viewer !== this.#viewer || runner.workspaceId !== this.#workspaceId) throw new Error('Greeted as somebody else');
    this.#events.greeted(runner);
  }

  #advance(from: Step, to: Step): void {
    if (this.#step !== from) throw new Error(`Not at its time: ${from}`);
    this.#step = to;
  }

  #clear(type: 'control' | 'handshake', viewer: number, payload: Uint8Array): void {
    this.#ports.send(encodeFrame({ type, sealed: false, viewer, stream: 0, offset: 0, payload }));
  }

  /** Goes on with what a step of the greeting came to, unless the channel has ended meanwhile. */
  #later(step: () => Promise<() => void>): void {
    step().then(
      (next) => this.#step !== 'over' && this.#guard(next),
      () => this.#break(),
    );
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch {
      this.#break();
    }
  }

  #break(): void {
    if (this.#step === 'over') return;
    this.end();
    this.#events.broken();
  }
}
