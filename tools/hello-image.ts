// The image of the demo, made on this machine, since no registry may be reachable: busybox with one page.
import { noBusybox, makeTestImage } from "../test/support/docker-image.ts";
import { engineRequest, engineSocket } from "./engine.ts";

export const helloImage = "fossora/hello:1";
const page = "Hello from your house. This page is served by a container that Fossora placed, started and named.\n";

/** Answers whether it had to be made. */
export async function ensureHelloImage(): Promise<boolean> {
  if ((await engineRequest("GET", `/images/${helloImage}/json`)).status === 200) return false;
  const missing = noBusybox();
  if (missing !== undefined) throw new Error(`The demo's image cannot be made: ${missing}`);
  await makeTestImage(engineSocket(), { reference: helloImage, page });
  return true;
}

/** Answers whether there was one. Refused while a container uses it. */
export async function removeHelloImage(): Promise<boolean> {
  return (await engineRequest("DELETE", `/images/${helloImage}`)).status === 200;
}
