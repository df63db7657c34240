import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { archiveSegment } from '../../worker/audit/archive.ts';
import { compact } from '../../worker/audit/compaction.ts';
import { deliver } from '../../worker/audit/delivery.ts';
import type { CompactionOrder, Doorbell, SegmentPointer } from '../../worker/audit/queue.ts';
import type { Services } from '../../worker/platform/context.ts';
import type { TestTenant } from './audit.ts';

/** Further ahead than any alarm that this test lets run by itself. */
const AHEAD_MS = 24 * 60 * 60_000;

/**
 * A ledger whose time is the test's. Its queues are lists that the test works off, so nothing happens by itself: alarms lie in a
 * future that doesn't come.
 * @param bucket what the archive's consumer writes to
 */
export async function onTestClock(tenant: TestTenant, bucket: R2Bucket = env.AUDIT_ARCHIVE) {
  let time = Date.now() + AHEAD_MS;
  const bells: Doorbell[] = [];
  const segments: Array<SegmentPointer | CompactionOrder> = [];
  const now = () => new Date(time);
  const services: Services = { ...tenant.services, now };
  await runInDurableObject(tenant.ledger, (instance) => {
    const queue = (list: unknown[]) => ({
      sendBatch: async (sent: Array<{ body: unknown }>) => void list.push(...sent.map(({ body }) => body)),
    });
    Object.assign(instance, { compose: () => services, env: { ...env, ARCHIVE_QUEUE: queue(segments), DELIVERY_QUEUE: queue(bells) } });
  });
  const archive = async () => {
    for (const order of segments.splice(0))
      await ('compact' in order ? compact(bucket, services, order) : archiveSegment(bucket, services, order));
  };
  return {
    services,
    now,
    bells,
    segments,
    archive,
    /** the same person, at the test's time */
    as: (...roles: Parameters<TestTenant['as']>) => ({ ...tenant.as(...roles), now }),
    pass: (ms: number) => void (time += ms),
    alarm: () => runDurableObjectAlarm(tenant.ledger),
    /** the alarm, and whatever it sends to the queues */
    step: async () => {
      await runDurableObjectAlarm(tenant.ledger);
      await archive();
      for (const bell of bells.splice(0)) await deliver(env.AUDIT_ARCHIVE, services, bell);
    },
  };
}
export type TestClock = Awaited<ReturnType<typeof onTestClock>>;
