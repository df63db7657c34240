import { beforeEach, vi } from 'vitest';
import { goto } from './router.ts';

// What jsdom lacks and the theme asks for.
vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener: () => undefined, removeEventListener: () => undefined }));

beforeEach(() => {
  goto.mockClear();
  localStorage.clear();
});
