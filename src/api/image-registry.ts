// The registry that an image's reference names. Pure.

/** Where references go that name no registry. */
export const DOCKER_HUB = "docker.io";

/** `registry.lab:5000/x:1` -> `registry.lab:5000`; what has no dot, port or `localhost` in front is Docker Hub's. */
export function registryOf(reference: string): string {
  const [first = "", second] = reference.split("/");
  return second !== undefined && /[.:]|^localhost$/.test(first) ? first : DOCKER_HUB;
}
