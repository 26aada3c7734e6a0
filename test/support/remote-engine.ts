// A Docker engine that says it runs in a virtual machine: the real one behind a socket of its own. Run on a lab host with both paths.
import net from "node:net";

const [from = "", to = ""] = process.argv.slice(2);

/** Of the same length, so that nothing else of the answer changes. */
function inMachine(bytes: Buffer): Buffer {
  const text = bytes.toString("latin1");
  const told = text.replace(/"OperatingSystem":"([^"]*)"/, (_, os: string) => `"OperatingSystem":"${"Docker Desktop".padEnd(os.length)}"`);
  return Buffer.from(told, "latin1");
}

net
  .createServer({ allowHalfOpen: true }, (client) => {
    const engine = net.connect({ path: to, allowHalfOpen: true });
    client.pipe(engine);
    engine.on("data", (bytes: Buffer) => client.write(inMachine(bytes)));
    engine.on("end", () => client.end());
    client.on("error", () => engine.destroy());
    engine.on("error", () => client.destroy());
  })
  .listen(from);
