// What has to be so before the first paint and the first module.

// A chosen theme does not flash. The key and the names are those of src/lib/theme.svelte.ts.
const chosen = localStorage.getItem('gatehouse.theme') ?? 'system';
const { dataset } = document.documentElement;
if (/^(contrast-)?(light|dark)$/.test(chosen)) dataset.theme = chosen.endsWith('dark') ? 'dark' : 'light';
const wantsMore = dataset.theme === undefined && matchMedia('(prefers-contrast: more)').matches;
dataset.contrast = wantsMore || chosen.startsWith('contrast-') ? 'more' : 'normal';

// Zod would try whether it may compile schemas with eval. It may not here, and each try is a report of a violated policy.
globalThis.__zod_globalConfig = { jitless: true };
