// Which etcd may join which: the cluster's minor version or the next one; an older joiner exits, a newer one panics. Pure.

/** In one sentence why an etcd of this version cannot join a cluster of that one. */
export function versionProblem(joiner: string, cluster: string): string | undefined {
  if (joiner === "") return "it has no etcd of its own that could join. Run the built program of Fossora on it, which carries one";
  const [major, minor] = parts(joiner);
  const [clusterMajor, clusterMinor] = parts(cluster);
  const step = minor - clusterMinor;
  if (major === clusterMajor && (step === 0 || step === 1)) return undefined;
  const remedy = step < 0 ? "Upgrade Fossora on the computer that wants to join" : "Upgrade Fossora on the computers of the house first";
  return `it runs etcd ${joiner} and the house ${cluster}; only the same minor version or the next can join. ${remedy}`;
}

/** What a node says that it would run: "" for one that can only found a house of one. */
export function etcdOfSeveral(version: string): string {
  return known(version) ? version : "";
}

/** Of all members, the flag for several learners is known from 3.6 on: given to some only, a second learner stops the others. */
export function learnersMaxOf(versions: readonly string[], learnersMax: number): number {
  return versions.every((version) => known(version)) ? learnersMax : 1;
}

function known(version: string): boolean {
  const [major, minor] = parts(version);
  return major > 3 || (major === 3 && minor >= 6);
}

function parts(version: string): readonly [number, number] {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  return [Number(major ?? 0), Number(minor ?? 0)];
}
