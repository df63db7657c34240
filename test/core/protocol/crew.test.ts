import { Crew, DrivingRefused, type Member } from '@gatehouse/core/protocol/crew.ts';
import type { Presence } from '@gatehouse/core/protocol/connection.ts';
import { beforeEach, describe, expect, test } from 'vitest';

const owner: Member = { viewer: 1, userId: 'usr_owner', name: 'Olive', access: 'own' };
const second: Member = { ...owner, viewer: 2 };
const guest: Member = { viewer: 3, userId: 'usr_admin', name: 'Ada', access: 'join' };
const other: Member = { viewer: 4, userId: 'usr_other', name: 'Oz', access: 'join' };

let told: Presence[];
let drives: number[];
let crew: Crew;

beforeEach(() => {
  told = [];
  drives = [];
  crew = new Crew({ changed: (presence) => told.push(presence), drives: (viewer) => drives.push(viewer) });
});

describe('presence', () => {
  test('P1: each coming and going is told, with who drives', () => {
    crew.join(owner);
    crew.join(guest);
    crew.leave(guest.viewer);
    expect(told.map(({ driver, viewers }) => [driver, viewers.map(({ viewer }) => viewer)])).toEqual([
      [owner.userId, [1]],
      [owner.userId, [1, 3]],
      [owner.userId, [1]],
    ]);
  });

  test('leaving twice is told once', () => {
    crew.join(owner);
    crew.leave(owner.viewer);
    crew.leave(owner.viewer);
    expect(told).toHaveLength(2);
  });
});

describe('driving', () => {
  test('P2: the owner drives in all of their tabs; who only joined does not, also while the owner is away', () => {
    crew.join(guest);
    expect(crew.driver).toBeNull();
    expect(crew.mayDrive(guest.viewer)).toBe(false);
    crew.join(owner);
    crew.join(second);
    expect([owner, second, guest].map(({ viewer }) => crew.mayDrive(viewer))).toEqual([true, true, false]);
  });

  test('P3: the driver hands over, the owner takes back, and both are told for the audit log', () => {
    for (const member of [owner, guest]) crew.join(member);
    crew.give(owner.viewer, guest.viewer);
    expect([crew.mayDrive(owner.viewer), crew.mayDrive(guest.viewer)]).toEqual([false, true]);
    crew.take(owner.viewer);
    expect([crew.mayDrive(owner.viewer), crew.mayDrive(guest.viewer)]).toEqual([true, false]);
    expect(drives).toEqual([guest.viewer, owner.viewer]);
  });

  test('P3: a guest who drives may hand on to another', () => {
    for (const member of [owner, guest, other]) crew.join(member);
    crew.give(owner.viewer, guest.viewer);
    crew.give(guest.viewer, other.viewer);
    expect(crew.driver).toBe(other.userId);
  });

  test('P3: nobody else hands over or takes', () => {
    for (const member of [owner, guest, other]) crew.join(member);
    expect(() => crew.give(guest.viewer, other.viewer)).toThrow(DrivingRefused);
    expect(() => crew.take(guest.viewer)).toThrow(DrivingRefused);
    expect(() => crew.give(owner.viewer, 9)).toThrow('not here any more');
    expect(crew.driver).toBe(owner.userId);
    expect(drives).toEqual([]);
  });

  test('P3: everybody may ask and take the question back; who drives has nothing to ask', () => {
    for (const member of [owner, guest]) crew.join(member);
    crew.ask(guest.viewer, true);
    expect(crew.presence.viewers.map(({ asks }) => asks)).toEqual([false, true]);
    crew.ask(guest.viewer, false);
    crew.ask(owner.viewer, true);
    expect(crew.presence.viewers.map(({ asks }) => asks)).toEqual([false, false]);
  });

  test('P3: the question is answered by handing over', () => {
    for (const member of [owner, guest]) crew.join(member);
    crew.ask(guest.viewer, true);
    crew.give(owner.viewer, guest.viewer);
    expect(crew.presence.viewers.every(({ asks }) => !asks)).toBe(true);
  });

  test('P4: when the last tab of a guest who drives is gone, the owner drives again', () => {
    for (const member of [owner, guest, { ...guest, viewer: 5 }]) crew.join(member);
    crew.give(owner.viewer, guest.viewer);
    crew.leave(guest.viewer);
    expect(crew.driver).toBe(guest.userId);
    crew.leave(5);
    expect(crew.driver).toBe(owner.userId);
  });

  test('P4: a guest who drives goes on while the owner is away', () => {
    for (const member of [owner, guest]) crew.join(member);
    crew.give(owner.viewer, guest.viewer);
    crew.leave(owner.viewer);
    expect(crew.mayDrive(guest.viewer)).toBe(true);
  });
});
