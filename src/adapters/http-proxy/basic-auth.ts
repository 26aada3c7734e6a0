// `basicAuth` of a route: a name and a password before anything reaches the app. A right answer is remembered, for a browser sends it
// with every request and scrypt is slow on purpose; what a stranger can make us compute at once is bounded.
import { createHash, scrypt, timingSafeEqual } from "node:crypto";
import type { HttpRoute } from "../../api/table.ts";
import { parsePasswordHash, SCRYPT } from "../../api/password.ts";

type Users = NonNullable<HttpRoute["basicAuth"]>;
export type Verdict = "let in" | "refused" | "busy";

const AT_ONCE_MAX = 4;
const REMEMBERED_MAX = 1000;

export class BasicAuth {
  readonly #known = new Set<string>();
  readonly #running = new Map<string, Promise<boolean>>();

  async check(authorization: string | undefined, users: Users): Promise<Verdict> {
    const given = credentials(authorization);
    if (given === undefined) return "refused";
    const user = users.find((each) => each.user === given.user);
    // Somebody unknown costs as much as a wrong password: how long it takes does not tell who has an account.
    const written = user?.hash ?? users[0]?.hash ?? "";
    const key = createHash("sha256").update(`${written}\0${given.user}\0${given.password}`).digest("base64");
    // Another route may give the same password to somebody of that name.
    if (user !== undefined && this.#known.has(key)) return "let in";
    const running = this.#running.get(key);
    if (running === undefined && this.#running.size >= AT_ONCE_MAX) return "busy";
    const isRight = (await (running ?? this.#compute(key, given.password, written))) && user !== undefined;
    if (isRight) this.#remember(key);
    return isRight ? "let in" : "refused";
  }

  async #compute(key: string, password: string, written: string): Promise<boolean> {
    const computing = matches(password, written);
    this.#running.set(key, computing);
    try {
      return await computing;
    } finally {
      this.#running.delete(key);
    }
  }

  #remember(key: string): void {
    const [oldest] = this.#known;
    if (this.#known.size >= REMEMBERED_MAX && oldest !== undefined) this.#known.delete(oldest);
    this.#known.add(key);
  }
}

/** RFC 7617; the charset is UTF-8, as the challenge says. */
function credentials(authorization: string | undefined): { readonly user: string; readonly password: string } | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/=]+) *$/i.exec(authorization ?? "") ?? [];
  const text = encoded === undefined ? "" : Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function matches(password: string, written: string): Promise<boolean> {
  const parsed = parsePasswordHash(written);
  if (parsed === undefined) return Promise.resolve(false);
  const expected = Buffer.from(parsed.hash, "base64");
  return new Promise((done) => {
    scrypt(password, Buffer.from(parsed.salt, "base64"), expected.length, SCRYPT, (error, derived) => {
      done(error === null && timingSafeEqual(derived, expected));
    });
  });
}
