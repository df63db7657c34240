import type { Frame } from '@gatehouse/core/protocol/frame.ts';
import type { TunnelHead } from '@gatehouse/core/protocol/tunnel.ts';

/** What a stream may do on the tunnel. */
export interface TunnelPort {
  head(head: TunnelHead): void;
  /** bytes of the answer that may be sent now */
  room(): number;
  data(bytes: Uint8Array): void;
  ack(offset: number): void;
  /** the answer is whole */
  fin(): void;
  /** it ends before its time */
  reset(why: string): void;
  /** a WebSocket is closed */
  closed(bytesIn: number, bytesOut: number): void;
}

export interface TunnelStream {
  data(frame: Frame): void;
  fin(): void;
  /** more may be sent */
  wake(): void;
  /** the platform wants it no more */
  cancel(why: string, close: number): void;
}
