// Text that people hand in is UTF-8, or nothing: what is no text would be changed without a word.
import { UserError } from "../api/errors.ts";

/** A mark at its start stays. Throws UserError; `what`: where the bytes are from. */
export function utf8(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new UserError(`Cannot read ${what}: it is not UTF-8 text.`, { cause: error });
  }
}
