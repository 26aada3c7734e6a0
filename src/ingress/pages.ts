// What a person sees instead of an app: what is wrong, what to do, and nothing about the rest of the house. Plain HTML without a script,
// for old phones and screen readers alike. Pure.
import { houseIcon, POLICY, STYLE } from "./page-style.ts";

export interface Page {
  readonly status: number;
  /** Seconds until the page asks again by itself; absent: it does not. */
  readonly refresh?: number;
  readonly html: string;
  /** For `Content-Security-Policy`: the page's own style and nothing else. */
  readonly policy: string;
}

/** Why an app has nowhere to run, and what to type to learn more: of its Route. */
export interface Waiting {
  readonly reason: string;
  readonly message: string;
  readonly next?: string;
}

const SOON_SECONDS = 2;
/** What somebody must mend takes longer. */
const LATER_SECONDS = 10;
/** What is so only for a while: waiting is all that it takes. Others last until somebody mends them. */
const PASSING: ReadonlyMap<string, string> = new Map([
  ["Starting", "is starting"],
  ["Pulling", "is starting"],
  ["Pending", "is not running yet"],
  ["Waiting", "waits for another app"],
]);

export function unknownHost(host: string): Page {
  return page(404, "Nothing answers here", {
    text: `There is no app at <b>${escapeHtml(host) || "this address"}</b> in this house. Is the name spelt right?`,
    facts: [["Try", code("fossora get routes")]],
  });
}

/** The app is known and has nowhere to run yet, or cannot. */
export function waiting(name: string, { reason, message, next }: Waiting): Page {
  const app = escapeHtml(name);
  const facts: Fact[] = [["Reason", escapeHtml(reason)], ...(next === undefined ? [] : [["Try", code(next)] as const])];
  const text = escapeHtml(sentence(message));
  const passing = PASSING.get(reason);
  if (passing !== undefined) return page(503, `${app} ${passing}`, { text, facts, refresh: SOON_SECONDS, lit: true });
  const title = reason === "Stopped" ? `${app} is stopped` : `${app} is not available`;
  return page(503, title, { text, facts, refresh: LATER_SECONDS });
}

export function unreachable(name: string): Page {
  return page(502, `${escapeHtml(name)} does not answer`, {
    text: "It takes no connection at the moment. It may be restarting.",
    facts: [["Try", code(`fossora describe route/${name}`)]],
    refresh: SOON_SECONDS,
    lit: true,
  });
}

export function notSynced(): Page {
  return page(503, "One moment", {
    text: "This computer does not know its house yet, or belongs to none.",
    refresh: SOON_SECONDS,
    lit: true,
  });
}

export function forbidden(): Page {
  return page(403, "Not from here", { text: "This name is open to some networks only, and yours is not one of them." });
}

export function tooLarge(): Page {
  return page(413, "Too large", { text: "This app takes no uploads of that size.", facts: [["Set by", code("maxBody")]] });
}

export function timedOut(name: string): Page {
  return page(504, `${escapeHtml(name)} took too long`, {
    text: "It took the request and did not answer in its time.",
    facts: [["Set by", code("timeouts.response")]],
  });
}

export function badRequest(problem: string): Page {
  return page(400, "Not understood", { text: escapeHtml(problem) });
}

export function signIn(name: string): Page {
  return page(401, "Who is it?", { text: `${escapeHtml(name)} asks for a name and a password.` });
}

/** So many sign in at this moment that one more would slow everybody down. */
export function busy(name: string): Page {
  return page(503, "One moment", { text: `Many sign in to ${escapeHtml(name)} at the same time.`, refresh: SOON_SECONDS, lit: true });
}

/** The door stays closed while nobody can say who may come in. */
export function noSignIn(name: string): Page {
  return page(502, `${escapeHtml(name)} is closed`, {
    text: "The service that says who may come in does not answer.",
    facts: [["Try", code(`fossora describe route/${name}`)]],
    refresh: SOON_SECONDS,
  });
}

/** A word, and HTML that says it. */
type Fact = readonly [string, string];

interface Content {
  /** HTML, as all texts here. */
  readonly text: string;
  readonly facts?: readonly Fact[];
  readonly refresh?: number;
  /** Somebody is at home: it gets better by itself. */
  readonly lit?: boolean;
}

function page(status: number, title: string, { text, facts = [], refresh, lit = false }: Content): Page {
  const list = facts.map(([term, value]) => `<div><dt>${term}</dt><dd>${value}</dd></div>`).join("");
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${refresh === undefined ? "" : `<meta http-equiv="refresh" content="${refresh}">\n`}<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${houseIcon(lit)}
<h1>${title}</h1>
<p>${text}</p>
${list === "" ? "" : `<dl>${list}</dl>\n`}${refresh === undefined ? "" : `<p class="soft">This page looks again by itself every ${refresh} seconds.</p>\n`}</main>
</body>
</html>
`;
  return { status, ...(refresh !== undefined && { refresh }), html, policy: POLICY };
}

function code(text: string): string {
  return `<code>${escapeHtml(text)}</code>`;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
