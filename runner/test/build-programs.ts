/** The helper runs as one file inside the sandbox, and the packed runner is tested too: build both first. */
export default async function buildPrograms(): Promise<void> {
  await import('../build.ts');
}
