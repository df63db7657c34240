import { setImmediate } from 'node:timers/promises';
import type { Aead, MakeAead } from '../../core/protocol/aead.ts';
import type { Bytes } from '../../core/protocol/bytes.ts';
import type { MaybePromise } from '../../core/protocol/in-order.ts';

/** Hides nothing, but answers when the test wants: at once, or when `gate` opens. It writes down the keys and nonces it is given. */
export function scriptedAead(gate: () => MaybePromise<void> = () => {}) {
  const keys: string[] = [];
  const nonces: bigint[] = [];
  const note = (nonce: Bytes) => void nonces.push(new DataView(nonce.buffer).getBigUint64(4));
  const aead: Aead = {
    seal(nonce, _additional, plain, into) {
      note(nonce);
      into.set(plain);
      return gate();
    },
    open(nonce, _additional, sealed) {
      note(nonce);
      const opened = gate();
      return opened instanceof Promise ? opened.then(() => sealed) : sealed;
    },
  };
  const make: MakeAead = (key) => {
    keys.push(Buffer.from(key).toString('hex'));
    return aead;
  };
  return { make, keys, nonces };
}

/** Remembers what an asynchronous Aead was asked, so that a test knows when nothing more will come. */
export function watched(make: MakeAead): { make: MakeAead; settled: () => Promise<void> } {
  const asked: Promise<unknown>[] = [];
  const watch = <T>(result: MaybePromise<T>): MaybePromise<T> => {
    asked.push(Promise.resolve(result));
    return result;
  };
  const settled = async () => {
    for (let seen = -1; seen !== asked.length;) {
      seen = asked.length;
      await Promise.allSettled(asked);
      await setImmediate();
    }
  };
  const watchedMake = async (key: Bytes): Promise<Aead> => {
    const aead = await make(key);
    return { seal: (...args) => watch(aead.seal(...args)), open: (...args) => watch(aead.open(...args)) };
  };
  return { make: (key) => watch(watchedMake(key)), settled };
}
