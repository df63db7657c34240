// What has to be so before the first paint and the first module.

// A chosen theme does not flash. The key is that of src/lib/theme.svelte.ts.
const chosen = localStorage.getItem('gatehouse.theme');
if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;

// Zod would try whether it may compile schemas with eval. It may not here, and each try is a report of a violated policy.
globalThis.__zod_globalConfig = { jitless: true };
