import type { PlainFrame } from '@gatehouse/core/protocol/seal.ts';
import type { resetBody } from '@gatehouse/core/protocol/services.ts';
import type { z } from 'zod';
import type { Clock } from '../connection/clock.ts';
import type { OutFrame, Source } from '@gatehouse/core/protocol/outbox.ts';

export type ResetCode = z.infer<typeof resetBody>['code'];

/** What a service may do with its viewer's stream. */
export interface StreamPort {
  readonly clock: Clock;
  /** sends now; for what carries no data */
  send(frame: OutFrame): void;
  /** the answer to `open`; {ok:false} ends the stream */
  head(value: object): void;
  /** from now on data comes from here, the first byte at offset `from` */
  provide(source: Source, from: number): void;
  /** the source may have more to send */
  ready(): void;
  /** the service is done; what was sent is still acknowledged */
  done(): void;
  /** ends the stream at once and says why */
  reset(code: ResetCode, message: string): void;
}

/** A service behind one stream. Frames arrive parsed as frames, their payload not. */
export interface StreamService {
  receive(frame: PlainFrame): void;
  /** the viewer acknowledged data up to here */
  acknowledged?(offset: number): void;
  /** the viewer has gone or reset the stream */
  cancel(): void;
}
