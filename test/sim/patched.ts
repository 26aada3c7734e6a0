// A port with some of its methods replaced; the others, and its private state, stay as they are.
type Method = (...args: unknown[]) => unknown;

export function patched<P extends object>(port: P, methods: (original: P) => Partial<P>): P {
  const changed = methods(port);
  return new Proxy(port, {
    get(target, property) {
      const member: unknown = Reflect.get(changed, property) ?? Reflect.get(target, property);
      return typeof member === "function" ? (...args: unknown[]) => (member as Method).apply(target, args) : member; // a method of the port
    },
  });
}
