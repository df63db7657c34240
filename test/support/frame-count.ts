const TEXT = 1;
const BINARY = 2;
const PING_BYTES = 4;
/** An upgrade's head is a few hundred bytes; what is longer without an end is none. */
const LONGEST_HEAD = 16 * 1024;

/** Messages of WebSockets, counted on the wire in one direction; other HTTP passes uncounted. */
export class FrameCount {
  /** the text messages "ping", by their size */
  pings = 0;
  /** other texts */
  text = 0;
  binary = 0;

  reset(): void {
    this.pings = this.text = this.binary = 0;
  }

  /** @returns what is to be given the bytes of one connection, in order */
  connection(): (bytes: Buffer) => void {
    let head: Buffer | null = Buffer.alloc(0);
    let isWebSocket = true;
    let rest = Buffer.alloc(0);
    let skip = 0;
    return (bytes) => {
      if (!isWebSocket) return;
      if (head !== null) {
        head = Buffer.concat([head, bytes]);
        const end = head.indexOf('\r\n\r\n');
        isWebSocket = end < 0 ? head.byteLength < LONGEST_HEAD : /^upgrade: *websocket/im.test(head.subarray(0, end).toString());
        if (end < 0 || !isWebSocket) return;
        bytes = head.subarray(end + 4);
        head = null;
      }
      const skipped = Math.min(skip, bytes.byteLength);
      skip -= skipped;
      rest = Buffer.concat([rest, bytes.subarray(skipped)]);
      for (let frame = frameAt(rest); frame !== null; frame = frameAt(rest)) {
        if (frame.opcode === TEXT && frame.payload === PING_BYTES) this.pings++;
        else if (frame.opcode === TEXT) this.text++;
        else if (frame.opcode === BINARY) this.binary++;
        skip = Math.max(0, frame.size - rest.byteLength);
        rest = rest.subarray(frame.size);
      }
    };
  }
}

/** Opcode, payload and whole size of the frame that begins here; null when its header is not there yet (RFC 6455, 5.2). */
function frameAt(bytes: Buffer): { opcode: number; payload: number; size: number } | null {
  if (bytes.byteLength < 2) return null;
  const [first, second] = [bytes.readUInt8(0), bytes.readUInt8(1)];
  const short = second & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  if (bytes.byteLength < 2 + lengthBytes) return null;
  const payload = lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const mask = (second & 0x80) === 0 ? 0 : 4;
  return { opcode: first & 0x0f, payload, size: 2 + lengthBytes + mask + payload };
}
