// Before the first paint, so that a chosen theme does not flash. The key is that of src/lib/theme.svelte.ts.
const chosen = localStorage.getItem('gatehouse.theme');
if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
