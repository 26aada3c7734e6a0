// What the requests and answers of the ingress' bench look like, the same for every proxy, every app and every load.

export const HOST = "bench.home.internal";
/** 20 bytes. */
export const SMALL_TEXT = "twenty bytes of text";
export const PAGE_BYTES = 8192;

/** As an app answers a page. */
export const pageHeaders = {
  "Content-Type": "text/html; charset=utf-8",
  "Cache-Control": "private, max-age=0, must-revalidate",
  "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "SAMEORIGIN",
  "Referrer-Policy": "same-origin",
  "Set-Cookie": "session=0123456789abcdef0123456789abcdef; Path=/; HttpOnly; SameSite=Lax",
  Vary: "Accept-Encoding, Cookie",
} as const;

/** As a browser asks for one. */
export const browserHeaders = {
  "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
  Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
  "Accept-Encoding": "gzip, deflate, br, zstd",
  "Accept-Language": "en-GB,en;q=0.9,de;q=0.8",
  "Cache-Control": "max-age=0",
  Cookie: "session=0123456789abcdef0123456789abcdef; theme=dark; locale=en",
  "Sec-Ch-Ua": '"Chromium";v="150", "Not A(Brand";v="24"',
  "Sec-Ch-Ua-Mobile": "?0",
  "Sec-Ch-Ua-Platform": '"Linux"',
  "Sec-Fetch-Dest": "document",
  "Sec-Fetch-Mode": "navigate",
  "Sec-Fetch-Site": "same-origin",
  "Upgrade-Insecure-Requests": "1",
} as const;
