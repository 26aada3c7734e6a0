// Ports that Fossora needs itself on every node, and what to do in place of taking one. Pure.

interface WantedPorts {
  readonly port: number;
  readonly endPort?: number;
}

const ALTERNATIVE: ReadonlyMap<number, (app: string) => string> = new Map<number, (app: string) => string>([
  [53, (app) => `the house's DNS answers there: name this app as its upstream, 'resolver: { upstream: [service/${app}] }' in the House`],
  [80, () => "every name shares it: say 'port: NUMBER', and the app is reached by its name"],
  [443, () => "every name shares it: say 'port: NUMBER', or lead a Route there with 'host' and 'tls: passthrough'"],
  [5353, () => "the house answers .local names there, also for this app"],
  ...[733, 734, 2379, 2380, 7443].map(
    (port) => [port, () => `Fossora's nodes use it: take another outside, such as '${port + 10_000}:${port}'`] as const,
  ),
]);

/** Why these ports cannot be listened on; undefined: they can. */
export function portProblem({ port, endPort = port }: WantedPorts, app: string): string | undefined {
  for (const [reserved, alternative] of ALTERNATIVE) {
    if (reserved >= port && reserved <= endPort) return `cannot listen on ${reserved}: ${alternative(app)}`;
  }
  return undefined;
}
