// Whether a node may live under its name: what others decided for the name, and what it would write under it, may be another node's by now.

export class OwnPlace {
  readonly #isOwn = Promise.withResolvers<boolean>();
  #isLost = false;

  /** `isNew`: it was let in just now, and its house writes that down in a moment. */
  constructor({ isNew }: { readonly isNew: boolean }) {
    if (isNew) this.#isOwn.resolve(true);
  }

  /** False: it left before that was known. */
  get isOwn(): Promise<boolean> {
    return this.#isOwn.promise;
  }

  /** The house lists this node under its name, or does not. */
  seen(isListed: boolean): void {
    this.#isLost = !isListed;
    if (isListed) this.#isOwn.resolve(true);
  }

  /** Nobody answers: an outage must not keep a node from running its apps. */
  notSeen(): void {
    if (!this.#isLost) this.#isOwn.resolve(true);
  }

  close(): void {
    this.#isOwn.resolve(false);
  }
}
