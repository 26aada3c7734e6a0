// The target of a request as it goes on to an app.
import type http from "node:http";

/** Path and query; from an absolute target its own, if it names the host that `Host` names. undefined: it is none for a proxy. */
export function originForm(request: http.IncomingMessage): string | undefined {
  const target = request.url ?? "/";
  // Apps read a fragment as part of the path, or not.
  if (target.includes("#")) return undefined;
  if (target.startsWith("/")) return target;
  const isOptions = request.method === "OPTIONS";
  if (target === "*") return isOptions ? target : undefined;
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(target);
  if (absolute === null || absolute[1]?.toLowerCase() !== request.headers.host?.toLowerCase()) return undefined;
  const rest = absolute[2] ?? "";
  if (rest === "" && isOptions) return "*";
  return rest.startsWith("/") ? rest : `/${rest}`;
}
