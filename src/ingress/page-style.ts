// How the house's own pages look: one style for light and dark, for a phone and a wall of screens, with nothing to load. Pure.

export const STYLE = `
:root{color-scheme:light dark;--paper:#faf7f2;--ink:#23262b;--soft:#62676f;--line:#e0d9cd;--wall:#cfc6b6;--dark:#8b8475;--lamp:#f0a020}
@media(prefers-color-scheme:dark){:root{--paper:#16181c;--ink:#eceae6;--soft:#a3a7ae;--line:#31353c;--wall:#59616d;--dark:#252930;--lamp:#f0b457}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100svh;display:flex;background:var(--paper);color:var(--ink);font:1.0625rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:38rem;margin:auto;padding:2rem 1.5rem 4rem;overflow-wrap:anywhere}
svg{display:block;width:4.5rem;height:4.5rem;margin-bottom:1.5rem}
h1{font-size:clamp(1.6rem,6vw,2.25rem);line-height:1.2;font-weight:650;letter-spacing:-.01em;margin:0 0 .75rem}
p{margin:0 0 1.5rem}
dl{margin:0 0 1.5rem;border-top:1px solid var(--line)}
dl div{display:flex;gap:1rem;padding:.6rem 0;border-bottom:1px solid var(--line)}
dt{flex:0 0 4.5rem;color:var(--soft)}
dd{margin:0;min-width:0}
code{font:.95em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.soft{color:var(--soft);font-size:.9375rem}
.wall{fill:var(--wall)}.dark{fill:var(--dark)}.lamp{fill:var(--lamp)}
@media(prefers-reduced-motion:no-preference){.lamp{animation:glow 2s ease-in-out infinite alternate}@keyframes glow{from{opacity:.55}}}
`;

/** SHA-256 of the style, which the test computes anew: a page that somebody smuggled something into shows it as text at most. */
const STYLE_HASH = "sha256-8AIuX7VPAIz+9zS+hI03vhYnwU/OSXFm9fqU/rZ7FhA=";

export const POLICY = `default-src 'none'; style-src '${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** With a light in the window where it is only to wait. */
export function houseIcon(lit: boolean): string {
  const pane = lit ? "lamp" : "dark";
  return `<svg viewBox="0 0 48 48" aria-hidden="true"><path class="wall" d="M24 4 3 22.5h5.5V43h31V22.5H45l-6.5-5.7V8h-5v4.4z"/><path class="${pane}" d="M13.5 25h8v8h-8z"/><path class="dark" d="M27 25h8v18h-8z"/></svg>`;
}
