import type { Terminal } from '@xterm/xterm';

/** characters of base64 that are looked at */
const MOST = 1024 * 1024;

/**
 * Programs may put text on the clipboard (OSC 52), as far as the policy lets it; they never learn what is on it. What
 * was said before this page looked is left alone.
 * @param offered is told the text
 */
export function takeCopies(terminal: Terminal, replaying: () => boolean, offered: (text: string) => void): void {
  terminal.parser.registerOscHandler(52, (data) => {
    const [, , content] = /^([cps0-7]*);([A-Za-z0-9+/=]*)$/.exec(data) ?? [];
    if (content === undefined || content === '' || content.length > MOST || replaying()) return true;
    const text = decoded(content);
    if (text !== null && text !== '') offered(text);
    return true;
  });
}

function decoded(content: string): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(atob(content), (each) => each.charCodeAt(0)));
  } catch {
    return null;
  }
}
