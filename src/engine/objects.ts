// The desired objects of the mirror: what is stored, and the children derived from it. A stored object shadows a derived one.
import { children, renamedBeside } from "../api/children.ts";
import type { AnyResource, Kind, Name, Resource } from "../api/resource.ts";

export interface Ref {
  readonly kind: Kind;
  readonly name: Name;
}

/** An object and what it was before. */
export interface Changed extends Ref {
  readonly before: AnyResource | undefined;
}

/** Until the House is stored. */
const DEFAULT_ZONE = "home.internal";

export class Objects {
  readonly #stored = new Map<string, AnyResource>();
  /** By child, then by what brought it: its owner, or a name that it could not have. */
  readonly #derived = new Map<string, Map<string, AnyResource>>();
  readonly #childrenOf = new Map<string, readonly Ref[]>();
  readonly #visible = new Map<Kind, Map<Name, AnyResource>>();
  #zone = DEFAULT_ZONE;

  get<K extends Kind>(kind: K, name: Name): Resource<K> | undefined {
    return this.all(kind).get(name);
  }

  all<K extends Kind>(kind: K): ReadonlyMap<Name, Resource<K>> {
    const objects = this.#visible.get(kind) ?? new Map<Name, AnyResource>();
    return objects as ReadonlyMap<Name, unknown> as ReadonlyMap<Name, Resource<K>>; // each map holds objects of its kind only
  }

  /** Stores the object, or forgets it; answers what changed, children included. */
  set(ref: Ref, resource: AnyResource | undefined): readonly Changed[] {
    const changed: Changed[] = [];
    if (resource === undefined) this.#stored.delete(id(ref));
    else this.#stored.set(id(ref), resource);
    this.#refresh(ref, changed);
    if (ref.kind === "House") this.#rezone(changed);
    return changed;
  }

  #refresh(ref: Ref, changed: Changed[]): void {
    const [first, ...others] = inOrder(this.#derived.get(id(ref)));
    this.#bring(`beside ${id(ref)}`, first === undefined ? [] : renamedBeside(first, others), changed);
    const resource = this.#stored.get(id(ref)) ?? first;
    const objects = this.#visible.get(ref.kind) ?? new Map<Name, AnyResource>();
    const before = objects.get(ref.name);
    if (resource === before) return;
    this.#visible.set(ref.kind, objects);
    if (resource === undefined) objects.delete(ref.name);
    else objects.set(ref.name, resource);
    changed.push({ ...ref, before });
    this.#derive(ref, resource, changed);
  }

  #derive(owner: Ref, resource: AnyResource | undefined, changed: Changed[]): void {
    this.#bring(id(owner), resource === undefined ? [] : children(resource, this.#zone), changed);
  }

  /** In place of what the same one brought before. */
  #bring(by: string, derived: readonly AnyResource[], changed: Changed[]): void {
    const refs = derived.map((child): Ref => ({ kind: child.kind, name: child.metadata.name }));
    const kept = new Set(refs.map(id));
    const gone = (this.#childrenOf.get(by) ?? []).filter((ref) => !kept.has(id(ref)));
    for (const child of derived) this.#adopt(child, by);
    for (const ref of gone) this.#disown(ref, by);
    if (refs.length > 0) this.#childrenOf.set(by, refs);
    else this.#childrenOf.delete(by);
    for (const ref of [...refs, ...gone]) this.#refresh(ref, changed);
  }

  #adopt(child: AnyResource, by: string): void {
    const key = id({ kind: child.kind, name: child.metadata.name });
    const byOwner = this.#derived.get(key) ?? new Map<string, AnyResource>();
    byOwner.set(by, child);
    this.#derived.set(key, byOwner);
  }

  #disown(ref: Ref, by: string): void {
    const byOwner = this.#derived.get(id(ref));
    byOwner?.delete(by);
    if (byOwner?.size === 0) this.#derived.delete(id(ref));
  }

  /** Names follow the zone, so another zone derives every child anew. */
  #rezone(changed: Changed[]): void {
    const [house] = this.all("House").values();
    const zone = house?.spec.zone ?? DEFAULT_ZONE;
    if (zone === this.#zone) return;
    this.#zone = zone;
    for (const resource of [...this.#stored.values()]) {
      this.#derive({ kind: resource.kind, name: resource.metadata.name }, resource, changed);
    }
  }
}

function id(ref: Ref): string {
  return `${ref.kind}/${ref.name}`;
}

/** Of several that would have one name the first has it, on every node: the older one's, so that nobody takes a name away by applying another. */
function inOrder(byOwner: ReadonlyMap<string, AnyResource> = new Map()): readonly AnyResource[] {
  const rank = ({ metadata }: AnyResource): string => `${metadata.creationTimestamp} ${metadata.owner}`;
  return [...byOwner.values()].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}
