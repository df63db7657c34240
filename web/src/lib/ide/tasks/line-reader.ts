import type { z } from 'zod';

/** Reads JSON lines that come in pieces. @returns takes the next piece */
export function lineReader<Line>(schema: z.ZodType<Line>, take: (line: Line) => void): (bytes: Uint8Array) => void {
  const decoder = new TextDecoder();
  let rest = '';
  return (bytes) => {
    const pieces = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = pieces.pop() ?? '';
    for (const piece of pieces) take(schema.parse(JSON.parse(piece)));
  };
}
