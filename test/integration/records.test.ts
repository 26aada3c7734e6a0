// Records of every type as people write them in a manifest, asked for with dig, and what is asked in vain.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { rowsOf } from "../../controllers/dnsrecord/rows.ts";
import { parseManifests } from "../../src/api/manifest.ts";
import type { DnsRecordSpec } from "../../src/api/types.ts";
import { findCommand } from "../../tools/machine.ts";
import { soon, startIngress, tableOf, type TestIngress } from "../support/ingress.ts";

const MANIFEST = `
{ name: printer, values: [192.168.1.40, 192.168.1.41], ttl: 1h }
{ name: printer, type: AAAA, values: "fd00::40" }
{ name: www, type: CNAME, values: printer.home.internal }
{ name: blog, type: CNAME, values: blog.example.com. }
{ name: note, type: TXT, values: ["v=spf1 -all", '"two" "parts"', 'say "hello"'] }
{ name: _sip._tcp, type: SRV, values: [0 5 5060 sip.example.com, 10 5 5061 printer.home.internal.] }
{ name: mail.example.com., type: MX, values: [10 mx1.example.com, 20 mx2.example.com] }
{ name: 40.1.168.192.in-addr.arpa., type: PTR, values: printer.home.internal }
{ name: "*.dev", values: [10.0.0.9] }
`;

const run = promisify(execFile);
const skip = findCommand("dig") === undefined && "no dig (Debian package bind9-dnsutils)";

describe("records", { skip }, () => {
  let ingress: TestIngress;
  before(async () => {
    ingress = await startIngress();
    const ways = { nodes: [], hosts: [] };
    const records = specsOf(MANIFEST).flatMap((spec) => rowsOf(spec, "home.internal", ways).records);
    await ingress.client.putTable({ ...tableOf([]), records }, soon());
  });
  after(() => ingress.stop());

  const dig = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run("dig", ["@127.0.0.1", "-p", String(ingress.dnsPort), "+time=5", "+tries=1", ...args]);
    return stdout.trim();
  };
  /** `NAME TTL TYPE DATA`, sorted. */
  const rows = async (...args: readonly string[]): Promise<readonly string[]> => {
    const text = await dig("+noall", "+answer", ...args);
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith(";"));
    return lines.map((line) => line.replaceAll(/\s+/g, " ").replace(" IN ", " ")).sort();
  };

  const expected: readonly (readonly [string, string, readonly string[]])[] = [
    ["printer.home.internal", "A", ["printer.home.internal. 3600 A 192.168.1.40", "printer.home.internal. 3600 A 192.168.1.41"]],
    ["printer.home.internal", "AAAA", ["printer.home.internal. 300 AAAA fd00::40"]],
    ["www.home.internal", "CNAME", ["www.home.internal. 300 CNAME printer.home.internal."]],
    ["www.home.internal", "AAAA", ["printer.home.internal. 300 AAAA fd00::40", "www.home.internal. 300 CNAME printer.home.internal."]],
    ["blog.home.internal", "A", ["blog.home.internal. 300 CNAME blog.example.com."]],
    [
      "note.home.internal",
      "TXT",
      [
        'note.home.internal. 300 TXT "say \\"hello\\""',
        'note.home.internal. 300 TXT "two" "parts"',
        'note.home.internal. 300 TXT "v=spf1 -all"',
      ],
    ],
    [
      "_sip._tcp.home.internal",
      "SRV",
      ["_sip._tcp.home.internal. 300 SRV 0 5 5060 sip.example.com.", "_sip._tcp.home.internal. 300 SRV 10 5 5061 printer.home.internal."],
    ],
    ["mail.example.com", "MX", ["mail.example.com. 300 MX 10 mx1.example.com.", "mail.example.com. 300 MX 20 mx2.example.com."]],
    ["40.1.168.192.in-addr.arpa", "PTR", ["40.1.168.192.in-addr.arpa. 300 PTR printer.home.internal."]],
    ["10.1.168.192.in-addr.arpa", "PTR", ["10.1.168.192.in-addr.arpa. 5 PTR attic.node.home.internal."]],
    ["any.thing.dev.home.internal", "A", ["any.thing.dev.home.internal. 300 A 10.0.0.9"]],
  ];
  for (const [name, type, answers] of expected) {
    test(`${name} ${type} is answered over UDP and TCP`, async () => {
      for (const over of ["+notcp", "+tcp"]) assert.deepEqual(await rows(over, name, type), answers);
    });
  }

  test("a name that is there has no other types, which is no error", async () => {
    for (const name of ["printer.home.internal", "mail.example.com", "10.1.168.192.in-addr.arpa"])
      assert.match(await dig(name, "HTTPS"), /status: NOERROR.*ANSWER: 0, AUTHORITY: 1/s, name);
  });

  test("names that nobody gave a record are not there in the zone, and refused outside of it", async () => {
    assert.match(await dig("nobody.home.internal"), /status: NXDOMAIN/);
    for (const [name, type] of [
      ["example.com", "A"],
      ["x.mail.example.com", "A"],
      ["11.1.168.192.in-addr.arpa", "PTR"],
      ["home.internal", "AXFR"],
    ] as const)
      assert.match(await dig(name, type, "+nocookie"), /status: REFUSED|Transfer failed/, name);
  });
});

/** One spec a line. */
function specsOf(text: string): readonly DnsRecordSpec[] {
  const documents = text
    .trim()
    .split("\n")
    .map((spec, index) => `apiVersion: fossora.dev/v1\nkind: DnsRecord\nmetadata: { name: r${index} }\nspec: ${spec}\n`);
  const { manifests, problems } = parseManifests([{ file: "records.yaml", text: documents.join("---\n") }]);
  assert.deepEqual(problems, []);
  return manifests.map(({ object }) => object.spec as DnsRecordSpec); // each is a DnsRecord
}
