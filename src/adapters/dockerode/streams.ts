// Docker's two ways to put more than bytes on one stream: JSON lines (pulls, events), and frames (logs, exec).
import type { LogChunk } from "../../container-ports.ts";

const frameHeaderBytes = 8;
const stderrFrame = 2;
const lineBytesMax = 1 << 20;

/** Throws what the stream throws; a line beyond 1 MiB is no answer of Docker's. */
export async function* jsonLines(stream: AsyncIterable<Uint8Array>): AsyncIterable<unknown> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > lineBytesMax) throw new Error("Docker sent a line without an end");
    for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
  }
}

/** Frames of [stream, 0, 0, 0, length as 4 bytes, data]; see "Stream format" in Docker's API reference. */
export async function* demultiplexed(stream: AsyncIterable<Uint8Array>): AsyncIterable<LogChunk> {
  let header = Buffer.alloc(0);
  let left = 0;
  let begins = false;
  let target: LogChunk["stream"] = "stdout";
  for await (const chunk of stream) {
    for (let data = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength); data.length > 0;) {
      if (left > 0) {
        const part = data.subarray(0, left);
        data = data.subarray(part.length);
        left -= part.length;
        yield { stream: target, data: part, ...(begins && { begins }) };
        begins = false;
        continue;
      }
      const missing = frameHeaderBytes - header.length;
      header = Buffer.concat([header, data.subarray(0, missing)]);
      data = data.subarray(missing);
      if (header.length < frameHeaderBytes) break;
      target = header[0] === stderrFrame ? "stderr" : "stdout";
      left = header.readUInt32BE(4);
      begins = true;
      header = Buffer.alloc(0);
    }
  }
}

/** With a terminal there are no frames. */
export async function* raw(stream: AsyncIterable<Uint8Array>): AsyncIterable<LogChunk> {
  for await (const data of stream) yield { stream: "stdout", data };
}
