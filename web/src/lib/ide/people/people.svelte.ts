import type { Presence } from '@gatehouse/core/protocol/connection.ts';
import { disconnected, wordsOf } from '../connection/stream-error.ts';
import type { Services } from '../connection/streams.ts';
import { newsOf, type News } from './news.ts';
import { personsOf, type Person } from './person.ts';

export interface PeopleEvents {
  /** the driver changed, or nobody knows */
  changed(): void;
  news(news: News): void;
  failed(what: string, why: string): void;
}

/** Who is here and who drives, as the runner last told (SPEC P). */
export class People {
  readonly #services: Services;
  readonly #events: PeopleEvents;
  readonly #me: string;
  #presence = $state.raw<Presence | null>(null);
  /** people whose wish to drive was put aside */
  #declined = $state.raw<readonly string[]>([]);

  readonly all: readonly Person[] = $derived.by(() => personsOf(this.#presence, this.#me));
  readonly me: Person | null = $derived(this.all.find(({ me }) => me) ?? null);
  readonly driver: Person | null = $derived(this.all.find(({ drives }) => drives) ?? null);
  /** those who wait for an answer of this page */
  readonly asking: readonly Person[] = $derived(
    this.drives ? this.all.filter(({ asks, me, userId }) => asks && !me && !this.#declined.includes(userId)) : [],
  );

  /** @param me id of the user of this page */
  constructor(services: Services, me: string, events: PeopleEvents) {
    this.#services = services;
    this.#me = me;
    this.#events = events;
  }

  /** SPEC P2: whether this page may type and change files. */
  get drives(): boolean {
    return this.#presence?.driver === this.#me;
  }

  get owns(): boolean {
    return this.me?.access === 'own';
  }

  /** Why this page may not change anything now, for people; null: it may. */
  get refusal(): string | null {
    if (this.drives) return null;
    return this.driver === null ? 'Nobody drives at the moment.' : `${this.driver.name} drives. You are watching.`;
  }

  /** Takes over what the runner told; null: the connection has ended. */
  update(presence: Presence | null): void {
    const before = this.all;
    this.#presence = presence;
    this.#declined = this.#declined.filter((userId) => this.all.some((person) => person.userId === userId && person.asks));
    if (before.length > 0 && presence !== null) for (const news of newsOf(before, this.all)) this.#events.news(news);
    this.#events.changed();
  }

  /** SPEC P3: hands driving to somebody who is here. */
  give(person: Person): Promise<void> {
    const [viewer] = person.viewers;
    return this.#call(`${person.name} does not drive`, async () => {
      if (viewer === undefined) throw disconnected();
      await this.#services.call({ method: 'drive.give', viewer });
    });
  }

  /** SPEC P3: the owner drives again. */
  take(): Promise<void> {
    return this.#call('You do not drive yet', () => this.#services.call({ method: 'drive.take' }));
  }

  ask(asks: boolean): Promise<void> {
    return this.#call(asks ? 'Nobody was asked' : 'You still ask', () => this.#services.call({ method: 'drive.ask', asks }));
  }

  /** Puts somebody's wish to drive aside until they ask anew. */
  decline({ userId }: Person): void {
    this.#declined = [...this.#declined, userId];
  }

  async #call(failure: string, call: () => Promise<unknown>): Promise<void> {
    try {
      await call();
    } catch (thrown) {
      this.#events.failed(failure, wordsOf(thrown));
    }
  }
}
