/** What the first bytes of a connection say: `more`: too few to tell. */
export type Greeting = { kind: 'more' } | { kind: 'plain' } | { kind: 'tls'; name: string | null };

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const MORE: Greeting = { kind: 'more' };

/** Reads a TLS ClientHello (RFC 8446 §4.1.2), which may come in several records, as far as its server name (RFC 6066 §3). */
export function readGreeting(bytes: Buffer): Greeting {
  if (bytes.length === 0) return MORE;
  if (bytes[0] !== HANDSHAKE || (bytes.length > 1 && bytes[1] !== 3)) return { kind: 'plain' };
  const message = handshakeOf(bytes);
  if (message.length < 4) return MORE;
  if (message[0] !== CLIENT_HELLO) return { kind: 'plain' };
  const length = message.readUIntBE(1, 3);
  if (message.length < 4 + length) return MORE;
  try {
    return { kind: 'tls', name: serverNameOf(message.subarray(4, 4 + length)) };
  } catch {
    // It ends where it should not.
    return { kind: 'tls', name: null };
  }
}

/** What the records carry, put together. */
function handshakeOf(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at + 5 <= bytes.length && bytes[at] === HANDSHAKE;) {
    const end = at + 5 + bytes.readUInt16BE(at + 3);
    parts.push(bytes.subarray(at + 5, end));
    at = end;
  }
  return Buffer.concat(parts);
}

/** @throws RangeError when it is cut short */
function serverNameOf(hello: Buffer): string | null {
  let at = 2 + 32;
  at += 1 + hello.readUInt8(at);
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello.readUInt8(at);
  if (at >= hello.length) return null;
  const end = at + 2 + hello.readUInt16BE(at);
  for (at += 2; at < end;) {
    const [type, length] = [hello.readUInt16BE(at), hello.readUInt16BE(at + 2)];
    if (type === SERVER_NAME) {
      // A list of one: its length, the kind of name, and the name.
      const name = hello.readUInt16BE(at + 7);
      return hello.toString('latin1', at + 9, at + 9 + name).toLowerCase();
    }
    at += 4 + length;
  }
  return null;
}
