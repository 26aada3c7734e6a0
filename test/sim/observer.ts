// Watches a port from outside: what was called, and what came of it. The port itself behaves as before.
export type Call = { readonly method: string; readonly args: readonly unknown[] };

type Method = (...args: readonly unknown[]) => unknown;

/** Tells of each call of an asynchronous method before it is made and after it ended. */
export function observe<P extends object>(
  port: P,
  told: { readonly before?: (call: Call) => void; readonly after?: (call: Call, error: unknown) => void },
): P {
  return new Proxy(port, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property);
      if (typeof member !== "function" || typeof property !== "string") return member;
      return (...args: unknown[]) => {
        const call: Call = { method: property, args };
        told.before?.(call);
        const result = (member as Method).apply(target, args); // the port's own method
        if (result instanceof Promise) {
          result.then(
            () => told.after?.(call, undefined),
            (error: unknown) => told.after?.(call, error),
          );
        }
        return result;
      };
    },
  });
}
