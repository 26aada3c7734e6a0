// What a node has promised of an instance: to end it when it loses contact with the house, since another node may start it then. The promise
// is what it last said of it, so it stands until the house has heard otherwise. Pure.
import type { DecidedService, ObservedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import type { Container } from "./docker-types.ts";
import type { LocalFacts } from "./facts.ts";
import { isExclusive } from "./traits.ts";

/** Of so many voters some may decide while others are cut off; with fewer nothing of the kind moves by itself, and nothing need end. */
const VOTERS_WITH_MAJORITY = 3;

export interface FencePromise {
  /** By its spec and by the house. */
  readonly isWanted: boolean;
  /** The house may count on it. */
  readonly isGiven: boolean;
}

export function promiseOf(
  spec: ServiceSpec,
  instance: string,
  { reported, voters }: Pick<LocalFacts, "reported" | "voters">,
): FencePromise {
  const isGiven = isPromised(instance, reported?.value);
  // While nobody knows how many vote, nothing changes.
  const isWanted = isExclusive(spec) && (voters === 0 ? isGiven : voters >= VOTERS_WITH_MAJORITY);
  return { isWanted, isGiven };
}

/** Of these containers those that end with the contact: their ids. */
export function endingContainers(
  containers: readonly Pick<Container, "id" | "instance">[],
  decided: DecidedService | undefined,
  facts: Pick<LocalFacts, "reported" | "voters">,
): readonly string[] {
  return containers.filter(({ instance }) => endsWithContact(instance, decided, facts)).map(({ id }) => id);
}

export function endsWithContact(
  instance: string,
  decided: DecidedService | undefined,
  facts: Pick<LocalFacts, "reported" | "voters">,
): boolean {
  const revision = decided?.instances.find(({ id }) => id === instance)?.revision;
  const spec = revision === undefined ? undefined : decided?.revisions[revision]?.spec;
  if (spec === undefined) return isPromised(instance, facts.reported?.value);
  const { isWanted, isGiven } = promiseOf(spec, instance, facts);
  return isWanted || isGiven;
}

function isPromised(instance: string, said: ObservedService | undefined): boolean {
  return said?.instances.some(({ id, fenced }) => id === instance && fenced === true) === true;
}
