// The kernel's word for what went wrong with a socket: EADDRINUSE, ECONNREFUSED.

export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null | undefined)?.code;
}
