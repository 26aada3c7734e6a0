// Bodies that Node has read are a buffer for each piece, outside of V8's heap, and V8 answers 40 MB of them by marking the whole heap: half
// of the processor's time of an upload, and 50 MB of memory. They are young: a look at the new space alone frees them.

const BYTES_MAX = 8 * 1024 * 1024;
let leftBytes = 0;

/** So many bytes are, or soon will be, nobody's. Does nothing where the program does not run with `--expose-gc`, as the built one does. */
export function leaveGarbage(bytes: number): void {
  leftBytes += bytes;
  if (leftBytes < BYTES_MAX) return;
  leftBytes = 0;
  globalThis.gc?.({ type: "minor", execution: "sync" });
}
