import { describe, expect, it } from 'vitest';
import { eventCsvHeader, eventCsvLine } from '@gatehouse/core/audit/csv.ts';
import { toOcsf } from '@gatehouse/core/audit/ocsf.ts';
import { LogExport, Records, seqOf, type OpenExport } from '../src/lib/audit/export.svelte.ts';
import { ApiProblem } from '../src/lib/api/problem.ts';
import { auditEvent, NOW } from './data.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const line = (seq: number) => `${JSON.stringify(auditEvent(seq))}\n`;
const seqs = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((each) => seqOf('ndjson', each));
const soon = async () => undefined;

/** An answer in these pieces, that breaks off after them where it says so. */
function answer(pieces: string[], lastSeq: number, breaks = false): Response {
  const left = pieces.map(bytes);
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = left.shift();
      if (next) controller.enqueue(next);
      else if (breaks) controller.error(new TypeError('network error'));
      else controller.close();
    },
  });
  return new Response(body, {
    headers: { 'x-audit-last-seq': String(lastSeq), 'content-disposition': 'attachment; filename="audit-meridian-2026-11-23.ndjson"' },
  });
}

/** Answers one after the other; notes from where each was asked. */
function answers(...all: Array<Response | ApiProblem>) {
  const asked: Array<number | null> = [];
  const open: OpenExport = async (after) => {
    asked.push(after);
    const next = all.shift() ?? new ApiProblem('unavailable', 'gone');
    if (next instanceof ApiProblem) throw next;
    return next;
  };
  return { open, asked };
}

describe('records of an export', () => {
  it('are cut at their ends, wherever the pieces of the connection end', () => {
    const records = new Records(false);
    const text = line(1) + line(2) + line(3);
    let whole = '';
    for (let from = 0; from < text.length; from += 7)
      whole += new TextDecoder().decode(records.push(bytes(text.slice(from, from + 7))).whole);
    expect(whole).toBe(text);
  });

  it('of a table may hold line ends and quotes', () => {
    const event = { ...auditEvent(7), reason: 'he said "no"\nand went' };
    const records = new Records(true);
    const text = eventCsvHeader + eventCsvLine(event) + eventCsvLine(auditEvent(8));
    const found = [...text].map((character) => records.push(bytes(character))).filter(({ count }) => count > 0);
    expect(found.map(({ last }) => seqOf('csv', last ?? ''))).toEqual([null, 7, 8]);
  });

  it('tell their number in every format', () => {
    const event = { ...auditEvent(42), details: { seq: 7 } };
    const context = { tenant: { id: 'tnt_x', name: 'Meridian' }, version: '1' };
    expect(seqOf('ndjson', JSON.stringify(event))).toBe(42);
    expect(seqOf('csv', eventCsvLine(event))).toBe(42);
    expect(seqOf('ocsf', JSON.stringify(toOcsf(event, context)))).toBe(42);
    expect(seqOf('proof', `{"salt":"00","event":${JSON.stringify(event)}}`)).toBe(42);
    expect(seqOf('proof', '{"checkpoint":"note"}')).toBeNull();
    expect(seqOf('ndjson', 'half a li')).toBeNull();
  });
});

describe('an export', () => {
  it('shows how far it is and ends with the whole file', async () => {
    const { open, asked } = answers(answer([line(1) + line(2), line(3)], 3));
    const made = new LogExport('ndjson', open, NOW);
    await made.run(soon);
    expect([made.state, made.records, made.share, made.fileName]).toEqual(['done', 3, 1, 'audit-meridian-2026-11-23.ndjson']);
    expect(asked).toEqual([null]);
    expect(seqs(await made.file().text())).toEqual([1, 2, 3]);
  });

  it('goes on behind its last whole event when the connection breaks, without gap or repetition', async () => {
    const { open, asked } = answers(
      answer([line(1) + line(2) + line(3).slice(0, 40)], 5, true),
      answer([line(3), line(4).slice(0, 9)], 9, true),
      answer([line(4) + line(5)], 9),
    );
    const made = new LogExport('ndjson', open, NOW);
    await made.run(soon);
    expect(asked).toEqual([null, 2, 3]);
    expect(seqs(await made.file().text())).toEqual([1, 2, 3, 4, 5]);
    expect(made.state).toBe('done');
  });

  it('stops after several breaks without an event, keeps what came, and goes on when told to', async () => {
    const down = () => new ApiProblem('unavailable', 'Gatehouse can’t be reached');
    const { open, asked } = answers(answer([line(1)], 2, true), down(), down(), down(), answer([line(2)], 2));
    const made = new LogExport('ndjson', open, NOW);
    await made.run(soon);
    expect([made.state, made.problem?.code, made.records, made.share]).toEqual(['broken', 'unavailable', 1, 0.5]);
    await made.run(soon);
    expect([made.state, made.problem]).toEqual(['done', null]);
    expect(asked).toEqual([null, 1, 1, 1, 1]);
    expect(seqs(await made.file().text())).toEqual([1, 2]);
  });

  it('does not come again where it was refused', async () => {
    const { open, asked } = answers(new ApiProblem('permission-denied', 'This needs the permission audit:read'));
    const made = new LogExport('ndjson', open, NOW);
    await made.run(soon);
    expect([made.state, asked.length]).toEqual(['broken', 1]);
  });

  it('with proof begins anew after a break: half a proof is none', async () => {
    const [first = '', second = ''] = [1, 2].map((seq) => `{"salt":"00","event":${JSON.stringify(auditEvent(seq))}}\n`);
    const { open, asked } = answers(answer([first], 2, true), answer([first, second], 2));
    const made = new LogExport('proof', open, NOW);
    await made.run(soon);
    expect(asked).toEqual([null, null]);
    expect(await made.file().text()).toBe(first + second);
  });

  it('keeps nothing when it is cancelled', async () => {
    const { open } = answers(answer([line(1)], 2, true));
    const made = new LogExport('ndjson', open, NOW);
    await made.run(async () => made.cancel());
    expect([made.state, made.file().size]).toEqual(['cancelled', 0]);
  });
});
