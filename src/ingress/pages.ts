// What a person sees instead of an app: short, plain, and it lists nothing about the house. Pure.

export interface Page {
  readonly status: number;
  /** Seconds until the page asks again by itself; absent: it does not. */
  readonly refresh?: number;
  readonly html: string;
}

const REFRESH_SECONDS = 2;

export function unknownHost(host: string): Page {
  return page(404, "Nothing answers here", `There is no app at <b>${escapeHtml(host)}</b> in this house.`);
}

/** The app is known and has nowhere to run yet: `reason` and `message` are those of its Route. */
export function waiting(name: string, reason: string, message: string): Page {
  return page(503, `${escapeHtml(name)} is not ready`, `${escapeHtml(message)} <small>(${escapeHtml(reason)})</small>`, REFRESH_SECONDS);
}

export function unreachable(name: string): Page {
  return page(502, `${escapeHtml(name)} does not answer`, "It may be starting or restarting.", REFRESH_SECONDS);
}

export function notSynced(): Page {
  return page(503, "One moment", "This computer has just started and does not know the house yet.", REFRESH_SECONDS);
}

export function forbidden(): Page {
  return page(403, "Not from here", "This name is only open to some networks.");
}

export function tooLarge(): Page {
  return page(413, "Too large", "This app does not take bodies of that size.");
}

export function timedOut(name: string): Page {
  return page(504, `${escapeHtml(name)} took too long`, "It took the request and did not answer in time.");
}

export function badRequest(problem: string): Page {
  return page(400, "Not understood", escapeHtml(problem));
}

export function signIn(name: string): Page {
  return page(401, "Who is it?", `${escapeHtml(name)} asks for a name and a password.`);
}

/** So many sign in at this moment that one more would slow everybody down. */
export function busy(name: string): Page {
  return page(503, "One moment", `Many sign in to ${escapeHtml(name)} at the same time.`, REFRESH_SECONDS);
}

/** The door stays closed while nobody can say who may come in. */
export function noSignIn(name: string): Page {
  return page(502, `${escapeHtml(name)} is closed`, "The service that says who may come in does not answer.", REFRESH_SECONDS);
}

function page(status: number, title: string, body: string, refresh?: number): Page {
  const meta = refresh === undefined ? "" : `<meta http-equiv="refresh" content="${refresh}">`;
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">${meta}<title>${title}</title>
<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto;padding:0 1rem;color:#333}@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}}</style></head>
<body><h1>${title}</h1><p>${body}</p></body></html>
`;
  return refresh === undefined ? { status, html } : { status, refresh, html };
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
