// The answer to a name that is not there, with the one that was probably meant.
import { closest } from "../api/names.ts";
import type { Name } from "../api/resource.ts";
import { namesOf, reference } from "../api/kinds.ts";
import type { ServedKind } from "../api/wire.ts";
import { ApiError } from "./api-error.ts";
import { viewAll, type ViewPorts } from "./view.ts";

export function notFound(ports: ViewPorts, kind: ServedKind, name: Name, action: string): ApiError {
  const meant =
    kind === "Event"
      ? undefined
      : closest(
          name,
          viewAll(ports, kind).map((each) => each.metadata.name),
        );
  const ask = meant === undefined ? "" : ` Did you mean "${meant}"?`;
  return new ApiError("NotFound", `Cannot ${action} ${reference(kind, name)}: there is none of that name.${ask}`, {
    next: `fossora get ${namesOf(kind).plural}`,
  });
}
