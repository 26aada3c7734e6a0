// What a process that must not end does again and again.

/** Where it fails, `failed` is told, and the next time comes: every file may be open just now. */
export function every(ms: number, run: () => unknown, failed: (error: unknown) => void): NodeJS.Timeout {
  return setInterval(() => void Promise.try(run).catch(failed), ms);
}
