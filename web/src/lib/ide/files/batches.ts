import { itemsOf } from '@gatehouse/core/protocol/files.ts';
import { StreamError } from '../connection/stream-error.ts';
import type { HeadOf, RequestOf } from '../connection/stream.ts';
import type { Services } from '../connection/streams.ts';

/** Takes a long list as it comes. @param took is given the items of one batch @throws StreamError */
export function takeBatches<M extends 'files.list' | 'trash.list'>(
  services: Services,
  request: RequestOf<M>,
  took: (items: unknown[]) => void,
): Promise<HeadOf<M>> {
  return new Promise((resolve, reject) => {
    const decoder = new TextDecoder();
    let head: HeadOf<M> | undefined;
    let rest = '';
    const take = (line: string): boolean => {
      try {
        if (line.trim() !== '') took(itemsOf(line));
        return true;
      } catch {
        stream?.cancel();
        reject(new StreamError('invalid', 'The runner sent a list that can’t be read'));
        return false;
      }
    };
    const stream = services.open<M>(request, {
      head: (opened) => (head = opened),
      data: (bytes, offset) => {
        const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        if (lines.every(take)) stream?.took(offset + bytes.byteLength);
      },
      finished: () => {
        if (!take(rest)) return;
        stream?.done();
        if (head !== undefined) resolve(head);
      },
      ended: reject,
    });
  });
}
