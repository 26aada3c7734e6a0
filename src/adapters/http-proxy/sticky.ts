// `sticky` of a route: a cookie that keeps a browser at the instance that answered it first, as long as there is that instance.
import { hash } from "../../api/hash.ts";
import type { Backend, HttpRoute } from "../../api/table.ts";

/** The cookie's backend first, if it is still there. */
export function stickyFirst(route: HttpRoute, backends: readonly Backend[], cookies: string | undefined): readonly Backend[] {
  const value = cookieOf(route, cookies);
  const kept = backends.find((backend) => valueOf(backend) === value);
  return kept === undefined ? backends : [kept, ...backends.filter((backend) => backend !== kept)];
}

/** The `Set-Cookie` that an answer of this backend carries; undefined: the browser has it. */
export function stickyCookie(route: HttpRoute, backend: Backend, cookies: string | undefined): string | undefined {
  const value = valueOf(backend);
  return cookieOf(route, cookies) === value ? undefined : `${nameOf(route)}=${value}; Path=${pathOf(route)}; HttpOnly; SameSite=Lax`;
}

/** As browsers compare it with what they ask for. */
function pathOf({ path }: HttpRoute): string {
  return encodeURI(path.toWellFormed()).replaceAll("%25", "%").replaceAll(";", "%3B");
}

function nameOf({ name }: HttpRoute): string {
  return `fossora-${name}`;
}

/** Says nothing about the house to who reads it. */
function valueOf({ node, instance, host, port }: Backend): string {
  return hash(`${node}/${instance}/${host}/${port}`);
}

function cookieOf(route: HttpRoute, cookies: string | undefined): string | undefined {
  const start = `${nameOf(route)}=`;
  const pair = cookies?.split(";").find((each) => each.trim().startsWith(start));
  return pair?.trim().slice(start.length);
}
