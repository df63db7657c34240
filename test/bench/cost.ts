/** Cloudflare's prices in US dollars (Workers Paid), as read in November 2026: check them before you rely on a sum. */
export const PRICES = {
  /** messages that come into an object count one twentieth of a request; what it sends is free */
  framesPerRequest: 20,
  requestsIncluded: 1_000_000,
  perMillionRequests: 0.15,
  /** an object is billed as if it used so much memory while it is awake */
  objectGigabytes: 0.128,
  gigabyteSecondsIncluded: 400_000,
  perMillionGigabyteSeconds: 12.5,
  rowsIncluded: 50_000_000,
  perMillionRows: 1,
} as const;

/** What is assumed of people: 1,000 developers with a workspace of their own each. */
export const LOAD = {
  developers: 1000,
  terminals: 3,
  hoursPerDay: 8,
  daysPerMonth: 22,
  /** share of its open time in which a terminal is typed into or prints */
  activeShare: 0.1,
  /** in an active second: messages of output after joining, and of keys */
  outputPerSecond: 15,
  keysPerSecond: 5,
  /** workspaces run day and night, watched or not */
  workspaceHours: 730,
  workspacesPerRunner: 20,
  /** connections that a developer opens on a working day; each is an attach and an upgrade */
  opensPerDay: 4,
} as const;

/** Messages into an object in an hour. Pings are answered by the platform, all others wake it. */
export interface Frames {
  pings: number;
  messages: number;
}

/** What was measured. */
export interface Rates {
  /** of an open page, of a running workspace's link, of a runner's control connection, with nobody doing anything */
  page: Frames;
  link: Frames;
  runner: Frames;
  /** of a terminal that prints and is typed into */
  activeFramesPerSecond: number;
  awakeMsPerFrame: number;
  workspaceCommitsPerHour: number;
  runnerCommitsPerHour: number;
}

export interface Bill {
  frames: number;
  awakeGigabyteSeconds: number;
  rows: number;
  requestsUsd: number;
  durationUsd: number;
  rowsUsd: number;
  totalUsd: number;
}

/**
 * Objects' part of a month's bill, as if every object were idle or active as measured:
 * requests (frames / 20 + opens), awake GB-seconds, rows written. A commit counts as one row.
 */
export function monthlyBill(rates: Rates): Bill {
  const pageHours = LOAD.developers * LOAD.hoursPerDay * LOAD.daysPerMonth;
  const workspaceHours = LOAD.developers * LOAD.workspaceHours;
  const runnerHours = workspaceHours / LOAD.workspacesPerRunner;
  const activeFrames = pageHours * 3600 * LOAD.terminals * LOAD.activeShare * rates.activeFramesPerSecond;
  const sum = (count: (frames: Frames) => number) =>
    pageHours * count(rates.page) + workspaceHours * count(rates.link) + runnerHours * count(rates.runner);
  const frames = activeFrames + sum(({ pings, messages }) => pings + messages);
  const waking = activeFrames + sum(({ messages }) => messages);
  const opens = 2 * LOAD.developers * LOAD.opensPerDay * LOAD.daysPerMonth;
  const awakeGigabyteSeconds = (PRICES.objectGigabytes * waking * rates.awakeMsPerFrame) / 1000;
  const rows = workspaceHours * rates.workspaceCommitsPerHour + runnerHours * rates.runnerCommitsPerHour;
  const requestsUsd = beyond(frames / PRICES.framesPerRequest + opens, PRICES.requestsIncluded, PRICES.perMillionRequests);
  const durationUsd = beyond(awakeGigabyteSeconds, PRICES.gigabyteSecondsIncluded, PRICES.perMillionGigabyteSeconds);
  const rowsUsd = beyond(rows, PRICES.rowsIncluded, PRICES.perMillionRows);
  return { frames, awakeGigabyteSeconds, rows, requestsUsd, durationUsd, rowsUsd, totalUsd: requestsUsd + durationUsd + rowsUsd };
}

const beyond = (used: number, included: number, perMillion: number) => (Math.max(0, used - included) / 1e6) * perMillion;
