// http-proxy as its README shows it, in a process of its own, for some of what the wrapper closes is that it takes the process along.
// `kept`: with connections that are kept open, as a bench of it deserves. A number after it: what a whole request may take, in ms.
import type { AddressInfo } from "node:net";
import http from "node:http";
import httpProxy from "http-proxy";

process.noDeprecation = true;
const agent = process.argv[3] === "kept" ? new http.Agent({ keepAlive: true }) : undefined;
const target = { host: "127.0.0.1", port: Number(process.argv[2]) };
const proxy = httpProxy.createProxyServer({ target, xfwd: true, ...(agent && { agent }) });
const limitMs = Number(process.argv[4] ?? 0);
const limits = limitMs > 0 ? { requestTimeout: limitMs, headersTimeout: limitMs, connectionsCheckingInterval: limitMs / 4 } : {};
const server = http.createServer(limits, (request, response) => proxy.web(request, response));
server.on("upgrade", (request, socket, head) => proxy.ws(request, socket, head));
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
