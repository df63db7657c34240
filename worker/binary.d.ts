/** A file of bytes that the Worker is deployed with. */
declare module '*.bin' {
  const content: ArrayBuffer;
  export default content;
}
