import { existsSync, rmSync } from 'node:fs';
import type { Clock } from '../connection/clock.ts';
import { backoffDelay } from '../connection/backoff.ts';
import type { Dial } from '../connection/socket.ts';
import { messageOf } from '../failure.ts';
import type { Log } from '../log.ts';
import { rotateKeys, settleRotation } from '../rotate.ts';
import { writeAtomically } from './atomic-file.ts';
import type { RunnerConfig } from './config.ts';
import type { StateFolder } from './folder.ts';
import { fingerprintOf, loadKeys, type AgreementKey, type RunnerKeys } from './keys.ts';

const LOOK_EVERY_MS = 500;

export interface KeyRingOptions {
  folder: StateFolder;
  config: Pick<RunnerConfig, 'url' | 'token' | 'runnerId'>;
  clock: Clock;
  log: Log;
}

/**
 * The keys of a runner that runs, which can change meanwhile. While nobody knows which pair the platform has, nothing is dialled:
 * a socket that was dialled is always asked for the key that the platform had at that moment, which is the one that counts here.
 */
export class KeyRing {
  readonly #options: KeyRingOptions;
  #keys: RunnerKeys;
  #busy: Promise<void> | null = null;
  #stopped = false;
  #cancelLook: () => void = () => undefined;

  constructor(options: KeyRingOptions) {
    this.#options = options;
    this.#keys = loadKeys(options.folder);
    // Whoever asked an earlier runner was told that it did not answer.
    rmSync(options.folder.rotationAsked, { force: true });
    this.#begin(() => this.#settle());
    this.#look();
  }

  get fingerprint(): string {
    return fingerprintOf(this.#keys);
  }

  readonly sign = (text: string): string => this.#keys.sign(text);

  readonly agreement: AgreementKey = async () => {
    await this.#busy;
    return this.#keys.agreement();
  };

  /** Dials once it is known which keys count. */
  readonly gate =
    (dial: Dial): Dial =>
    (path, events) => {
      if (this.#busy === null) return dial(path, events);
      let socket: ReturnType<Dial> | null = null;
      let isClosed = false;
      void this.#busy.then(() => {
        if (!isClosed && !this.#stopped) socket = dial(path, events);
      });
      return {
        send: (message) => socket?.send(message),
        close: (code, reason) => {
          isClosed = true;
          socket?.close(code, reason);
        },
        get buffered() {
          return socket?.buffered ?? 0;
        },
      };
    };

  stop(): void {
    this.#stopped = true;
    this.#cancelLook();
  }

  #begin(work: () => Promise<void>): void {
    const done = work().finally(() => {
      if (this.#busy === done) this.#busy = null;
    });
    this.#busy = done;
  }

  /** Settles what was begun, however long the platform is away. */
  async #settle(): Promise<void> {
    const { folder, config, clock, log } = this.#options;
    for (let attempt = 0; !this.#stopped; attempt += 1) {
      try {
        const settled = await settleRotation(folder, config);
        if (settled?.changed === false) log.warn(`A change of keys was refused, and the old keys stay. ${settled.why}`);
        this.#keys = loadKeys(folder);
        if (settled?.changed === true) log.info(`Fingerprint ${this.fingerprint}: the keys were changed`);
        return;
      } catch (error) {
        log.warn(`A change of keys is not settled yet: ${messageOf(error)}`);
        await new Promise<void>((resolve) => void clock.after(backoffDelay(attempt, clock.random()), resolve));
      }
    }
  }

  /** `rotate-key` asks by a file, and is answered by one: whoever may write in the folder may change the keys anyway. */
  #look(): void {
    const { folder, clock } = this.#options;
    if (this.#busy === null && existsSync(folder.rotationAsked)) {
      rmSync(folder.rotationAsked, { force: true });
      this.#begin(() => this.#rotate());
    }
    this.#cancelLook = clock.after(LOOK_EVERY_MS, () => this.#look());
  }

  async #rotate(): Promise<void> {
    const { folder, config, log } = this.#options;
    let answer: { fingerprint: string } | { why: string };
    try {
      answer = { fingerprint: await rotateKeys(folder, config) };
    } catch (error) {
      answer = { why: messageOf(error) };
      log.warn(messageOf(error));
    }
    writeAtomically(folder.rotationAnswer, JSON.stringify(answer));
    await this.#settle();
    if ('fingerprint' in answer) log.info(`Fingerprint ${this.fingerprint}: the keys were changed`);
  }
}
