import { fileLine, textLine, type SearchHit, type TextQuery } from '@gatehouse/core/protocol/search.ts';
import type { z } from 'zod';
import type { StreamError } from '../connection/stream-error.ts';
import type { RequestOf } from '../connection/stream.ts';
import type { Services } from '../connection/streams.ts';

/** What a search gives, as it comes. */
export interface SearchEvents<Line> {
  found(lines: Line[]): void;
  /** @param truncated there is more than was looked for */
  finished(truncated: boolean): void;
  failed(error: StreamError): void;
}

/** Searches in the workspace, as its runner does them. */
export class RemoteSearch {
  readonly #services: Services;

  constructor(services: Services) {
    this.#services = services;
  }

  /** @returns what ends it */
  text(query: TextQuery, events: SearchEvents<SearchHit>): () => void {
    return this.#lines({ method: 'search.text', ...query }, textLine, events);
  }

  /** Paths of all files that git would not ignore. @returns what ends it */
  files(events: SearchEvents<string>): () => void {
    return this.#lines({ method: 'search.files' }, fileLine, events);
  }

  #lines<Line>(
    request: RequestOf<'search.text' | 'search.files'>,
    schema: z.ZodType<Line | { end: true; truncated: boolean }>,
    events: SearchEvents<Line>,
  ): () => void {
    const decoder = new TextDecoder();
    let rest = '';
    let truncated = false;
    const take = (text: string): Line[] => {
      const pieces = (rest + text).split('\n');
      rest = pieces.pop() ?? '';
      return pieces.flatMap((piece) => {
        const line = schema.parse(JSON.parse(piece));
        if (!isEnd(line)) return [line];
        truncated = line.truncated;
        return [];
      });
    };
    const stream = this.#services.open(request, {
      head: () => undefined,
      data: (bytes, offset) => {
        const lines = take(decoder.decode(bytes, { stream: true }));
        stream?.took(offset + bytes.byteLength);
        if (lines.length > 0) events.found(lines);
      },
      finished: () => {
        stream?.done();
        events.finished(truncated);
      },
      ended: (error) => events.failed(error),
    });
    return () => stream?.cancel();
  }
}

const isEnd = (line: unknown): line is { end: true; truncated: boolean } => typeof line === 'object' && line !== null && 'end' in line;
