import { readFile, writeFile } from 'node:fs/promises';
import type { Adapter } from '@sveltejs/kit';

/** What the Worker replaces by a fresh nonce in each answer. */
const PLACEHOLDER = '%gatehouse.nonce%';

/** The same adapter, whose inline scripts carry the placeholder that a strict content policy needs. */
export function withNonce(inner: Adapter, page: string): Adapter {
  return {
    ...inner,
    async adapt(builder) {
      await inner.adapt(builder);
      const html = await readFile(page, 'utf8');
      await writeFile(page, html.replaceAll(/<script(?![^>]*\b(?:src|nonce)=)/g, `<script nonce="${PLACEHOLDER}"`));
    },
  };
}
