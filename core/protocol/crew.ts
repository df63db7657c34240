import type { Presence, ViewerAccess } from './connection.ts';

/** One admitted viewer of a workspace: a tab of somebody's browser. */
export interface Member {
  viewer: number;
  userId: string;
  name: string;
  access: ViewerAccess;
}

export interface CrewEvents {
  /** somebody came, left, asked, or drives now (SPEC P1) */
  changed(presence: Presence): void;
  /** driving went over to the person of that viewer (SPEC P6) */
  drives(viewer: number): void;
}

/** Why a request about driving is refused, in words for people. */
export class DrivingRefused extends Error {}

/** SPEC P: who is in a workspace, and whose keys reach its programs. */
export class Crew {
  readonly #events: CrewEvents;
  readonly #members = new Map<number, Member>();
  readonly #asking = new Set<string>();
  /** whom the owner let drive */
  #guest: string | null = null;

  constructor(events: CrewEvents) {
    this.#events = events;
  }

  /** id of the user who drives; null while nobody does */
  get driver(): string | null {
    return this.#guest ?? this.#owner()?.userId ?? null;
  }

  get presence(): Presence {
    const viewers = [...this.#members.values()].map(({ viewer, userId, name, access }) => ({
      ...{ viewer, userId, name, access },
      asks: this.#asking.has(userId),
    }));
    return { kind: 'presence', driver: this.driver, viewers };
  }

  join(member: Member): void {
    this.#members.set(member.viewer, member);
    this.#changed();
  }

  leave(viewer: number): void {
    const member = this.#members.get(viewer);
    if (member === undefined) return;
    this.#members.delete(viewer);
    if (!this.#isHere(member.userId)) {
      this.#asking.delete(member.userId);
      if (this.#guest === member.userId) this.#guest = null;
    }
    this.#changed();
  }

  /** SPEC P2 */
  mayDrive(viewer: number): boolean {
    const member = this.#members.get(viewer);
    return member !== undefined && member.userId === this.driver;
  }

  /** SPEC P3: whoever drives hands over. @throws DrivingRefused */
  give(by: number, to: number): void {
    const target = this.#members.get(to);
    if (!this.mayDrive(by)) throw new DrivingRefused('Only the person who drives can hand over');
    if (target === undefined) throw new DrivingRefused('That person is not here any more');
    this.#handTo(target);
  }

  /** SPEC P3: the owner takes back. @throws DrivingRefused */
  take(by: number): void {
    const member = this.#members.get(by);
    if (member?.access !== 'own') throw new DrivingRefused('Only the owner can take over');
    this.#handTo(member);
  }

  /** SPEC P3: asks the person who drives, or takes the question back. */
  ask(by: number, asks: boolean): void {
    const member = this.#members.get(by);
    if (member === undefined || asks === this.#asking.has(member.userId)) return;
    if (asks && member.userId !== this.driver) this.#asking.add(member.userId);
    else this.#asking.delete(member.userId);
    this.#changed();
  }

  #handTo(member: Member): void {
    const before = this.driver;
    this.#guest = member.access === 'own' ? null : member.userId;
    this.#asking.delete(member.userId);
    if (this.driver !== before) this.#events.drives(member.viewer);
    this.#changed();
  }

  #owner(): Member | undefined {
    return [...this.#members.values()].find(({ access }) => access === 'own');
  }

  #isHere(userId: string): boolean {
    return [...this.#members.values()].some((member) => member.userId === userId);
  }

  #changed(): void {
    this.#events.changed(this.presence);
  }
}
