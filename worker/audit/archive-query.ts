import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import { matchesFilter, type Filter } from '@gatehouse/core/audit/filter.ts';
import type { Context } from '../platform/context.ts';
import type { ArchivePlace, ArchivePlan, EventQuery } from '../platform/objects.ts';
import { parseLine, readLines } from './archive.ts';
import { sidecarKey } from './archive-layout.ts';
import { mayHold } from './bloom.ts';
import { sidecar } from './compaction.ts';
import { eventIn } from './ledger.body.ts';
import { erasedLineFrom } from './ledger.erased.ts';
import { filterOf, takesErased } from './ledger.query.ts';

/** What one page reads at most: so it is bounded in time and memory, and says how far it has come. */
const PLACES_PLANNED = 200;
const EVENTS_READ = 10_000;
const PLACES_READ = 20;
const PAGE_CHARACTERS = 8_000_000;

export interface ArchivePage {
  bodies: string[];
  /** the last event that was looked at, in the order of the page */
  position: number;
  /** when that was recorded, as far as it is known */
  time: string | null;
  /** nothing is left in the range */
  done: boolean;
}

/** Numbers of events, both included. */
export interface ArchiveRange {
  low: number;
  high: number;
}

/** Asks the ledger where the archive has what the query asks for. */
export function planArchive(ctx: Context, query: EventQuery, { low, high }: ArchiveRange): Promise<ArchivePlan> {
  const { since, until, order } = query;
  const polled = isPolled(query);
  return ctx.ledger.open(ctx.db.tenantId, ctx.db.shard).archivePlan(query, {
    ...{ low, high, order, limit: PLACES_PLANNED },
    ...(since === undefined ? {} : polled ? { sealedSince: since } : { since }),
    ...(until === undefined ? {} : { until }),
  });
}

const isPolled = ({ by, until, order }: EventQuery): boolean => by === 'seq' && until === undefined && order === 'asc';

/** One page of what a plan names. */
export async function readPlanned(ctx: Context, query: EventQuery, plan: ArchivePlan, range: ArchiveRange): Promise<ArchivePage> {
  const ascending = query.order === 'asc';
  const page: ArchivePage = { bodies: [], position: ascending ? range.low - 1 : range.high + 1, time: null, done: false };
  const wanted = wantedOf(query, range);
  const skips = new Sidecars(ctx.archive, plan.terms);
  const hidden = new Map(plan.erased.map(({ seq, at }) => [seq, at]));
  let [places, events, characters] = [0, 0, 0];
  for (const place of plan.places) {
    if (places >= PLACES_READ || events >= EVENTS_READ || characters > PAGE_CHARACTERS) return page;
    if (!(await skips.maySkip(place))) {
      places++;
      events += place.last - place.first + 1;
      const lines = await readLines(ctx.archive, place);
      for (const line of ascending ? lines : lines.reverse()) {
        if (page.bodies.length === query.limit) return page;
        const { seq, salt, body } = parseLine(line);
        page.position = seq;
        // The archive may not have let go of it yet: it is not shown any more all the same.
        const erased = hidden.get(seq);
        if (body === null || erased !== undefined) {
          const left = body === null || erased === undefined ? line : erasedLineFrom({ seq, salt, body }, erased);
          if (takesErased(query, page.bodies.length > 0)) page.bodies.push(left);
          continue;
        }
        const event = eventIn(body);
        page.time = event.recordedAt;
        if (!wanted(event)) continue;
        characters += body.length;
        page.bodies.push(query.form === 'line' ? line : body);
      }
    }
    [page.position, page.time] = [ascending ? place.last : place.first, page.time ?? place.sealedAt];
  }
  return { ...page, done: plan.places.length < PLACES_PLANNED };
}

/** Whether an event is one that the query asks for. */
function wantedOf(query: EventQuery, { low, high }: ArchiveRange): (event: AuditEvent) => boolean {
  const filter: Filter | null = filterOf(query);
  const { since = '', until = '~' } = query;
  const polled = isPolled(query);
  return (event) => {
    if (event.seq < low || event.seq > high) return false;
    const time = polled ? event.recordedAt : event.time;
    return time >= since && time < until && (filter === null || matchesFilter(filter, event));
  };
}

/** What files say of themselves: which of their blocks can't hold what is looked for. */
class Sidecars {
  readonly #bucket: R2Bucket;
  readonly #terms: number[][];
  readonly #known = new Map<string, Map<number, Uint8Array>>();

  constructor(bucket: R2Bucket, terms: number[][]) {
    this.#bucket = bucket;
    this.#terms = terms;
  }

  async maySkip({ key, bytes, first }: ArchivePlace): Promise<boolean> {
    if (bytes === null || this.#terms.length === 0) return false;
    const bloom = (await this.#bloomsOf(key)).get(first);
    return bloom !== undefined && !this.#terms.every((each) => each.some((term) => mayHold(bloom, term)));
  }

  /** A file without its sidecar is only read for longer. */
  async #bloomsOf(key: string): Promise<Map<number, Uint8Array>> {
    const known = this.#known.get(key);
    if (known) return known;
    const object = await this.#bucket.get(sidecarKey(key));
    const parsed = object ? sidecar.safeParse(await object.json()) : null;
    const blocks = parsed?.success ? parsed.data.blocks : [];
    const blooms = new Map(blocks.map(({ first, terms }) => [first, Uint8Array.from(atob(terms), (character) => character.charCodeAt(0))]));
    this.#known.set(key, blooms);
    return blooms;
  }
}
