// What a command writes to, decided once for each stream: is it a terminal, how wide, may it have colours, can it show `✓`.
import { createColors } from "picocolors";

export type Colors = ReturnType<typeof createColors>;
export type Mark = "ok" | "warn" | "error";

/** One of the two output streams. */
export interface Output {
  readonly isTty: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly colors: Colors;
  readonly marks: Readonly<Record<Mark, string>>;
  write(text: string): void;
  line(text: string): void;
  bytes(bytes: Uint8Array): void;
  /** Calls when the window's size changed; answers the function that stops it. */
  onResize(run: () => void): () => void;
}

export interface WriteStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string | Uint8Array): boolean;
  on?(event: "resize", run: () => void): unknown;
  off?(event: "resize", run: () => void): unknown;
}

type Env = Readonly<Record<string, string | undefined>>;

const COLUMNS_UNKNOWN = 80;
const ROWS_UNKNOWN = 24;

export function output(stream: WriteStream, env: Env, options: { readonly noColor: boolean }): Output {
  const isTty = stream.isTTY === true;
  const colors = createColors(wantsColor(isTty, env, options.noColor));
  const unicode = isUtf8(env);
  return {
    isTty,
    get columns(): number {
      return stream.columns || COLUMNS_UNKNOWN; // 0 where the terminal does not know
    },
    get rows(): number {
      return stream.rows || ROWS_UNKNOWN;
    },
    colors,
    marks: { ok: colors.green(unicode ? "✓" : "ok"), warn: colors.yellow("!"), error: colors.red(unicode ? "✗" : "x") },
    write: (text) => void stream.write(text),
    line: (text) => void stream.write(`${text}\n`),
    bytes: (bytes) => void stream.write(bytes),
    onResize(run) {
      stream.on?.("resize", run);
      return () => void stream.off?.("resize", run);
    },
  };
}

/** picocolors looks at stdout alone and switches colours on under CI: neither is what people expect. */
export function wantsColor(isTty: boolean, env: Env, noColor: boolean): boolean {
  if (noColor || env["NO_COLOR"]) return false;
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined && forced !== "") return forced !== "0";
  return isTty && env["TERM"] !== "dumb";
}

/** POSIX: the first of these that is set decides. */
export function isUtf8(env: Env): boolean {
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "";
  return /utf-?8/i.test(locale);
}
