/**
 * Says that there is no network, where a browser would say it without a word about unsaved work. It keeps that one page and nothing
 * else: no answer of the API and no other page ever comes from it.
 */
import { version } from '$app/env';
import { self as worker } from '$app/service-worker';

const CACHE = `gatehouse-offline-${version}`;
const PAGE = '/offline.html';
const PARTS = ['/offline.css', '/offline.js', '/favicon.svg'];

worker.addEventListener('install', (event) => event.waitUntil(keep()));
worker.addEventListener('activate', (event) => event.waitUntil(forgetOthers()));
worker.addEventListener('message', (event) => {
  if (event.data === 'take-over') void worker.skipWaiting();
});
worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const { pathname, origin } = new URL(request.url);
  if (request.mode === 'navigate') event.respondWith(fetch(request).catch(() => kept(PAGE)));
  else if (origin === worker.location.origin && PARTS.includes(pathname)) event.respondWith(fetch(request).catch(() => kept(pathname)));
});

async function keep(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll(PARTS);
  // Its address may lead to another one, and a navigation takes no answer that was led there.
  const html = await (await fetch(PAGE)).text();
  const headers = { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': "default-src 'self'; frame-ancestors 'none'" };
  await cache.put(PAGE, new Response(html, { headers }));
}

async function kept(path: string): Promise<Response> {
  return (await (await caches.open(CACHE)).match(path)) ?? Response.error();
}

async function forgetOthers(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
}
