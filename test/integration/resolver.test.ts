// The house as the resolver of its people: names outside are asked of others, for those it serves and for nobody else.
import assert from "node:assert/strict";
import net from "node:net";
import { after, afterEach, before, describe, test } from "node:test";
import dnsPacket from "dns-packet";
import type { ResolverUpstream, Table } from "../../src/api/table.ts";
import { freePort, soon, startIngress, tableOf, type TestIngress } from "../support/ingress.ts";
import { LoopbackAddresses } from "../support/loopback.ts";
import {
  addressAnswer,
  addressesIn,
  askTcp,
  askUdp,
  question,
  sendUdp,
  startNameServer,
  type TestNameServer,
  framed,
  readFramed,
} from "../support/name-server.ts";

/** On the node's LAN, which is loopback here; 127.0.0.1 is the node itself. */
const PERSON = { from: "127.0.0.50" };
const OTHER = { from: "127.0.0.51" };
const EDNS = { type: "OPT", name: ".", udpPayloadSize: 4096, flags: 0, options: [] } as unknown as dnsPacket.OptAnswer; // the codec fills in the rest
const ANSWER = "203.0.113.7";
/** The kernel connects nobody to everybody, as it connects nobody to where it has no route. */
const NO_WAY = "255.255.255.255";

const SERVFAIL = 2;
const REFUSED = 5;
function failing(packet: Buffer, rcode: number): Buffer {
  const { questions = [], id = 0 } = dnsPacket.decode(packet);
  return dnsPacket.encode({ type: "response", id, flags: rcode, questions });
}

describe("a house that is a resolver", () => {
  let ingress: TestIngress;
  let servers: TestNameServer[] = [];
  before(async () => {
    ingress = await startIngress();
  });
  after(() => ingress.stop());
  afterEach(() => {
    for (const server of servers) server.stop();
    servers = [];
  });

  async function server(...args: Parameters<typeof startNameServer>): Promise<TestNameServer> {
    const started = await startNameServer(...args);
    servers.push(started);
    return started;
  }
  async function resolveWith(upstreams: readonly (TestNameServer | ResolverUpstream)[], more: Partial<Table> = {}): Promise<void> {
    const resolver = { serve: ["lan" as const], upstreams: upstreams.map((each) => ({ host: "127.0.0.1", ...portsOf(each) })) };
    await ingress.client.putTable({ ...tableOf([]), nodes: { attic: { lan: ["127.0.0.1"], tailnet: [] } }, resolver, ...more }, soon());
  }
  function portsOf(upstream: TestNameServer | ResolverUpstream): Omit<ResolverUpstream, "host"> {
    return "asked" in upstream ? { port: upstream.port } : upstream;
  }

  test("answers its own names itself and asks others for the rest, over UDP and TCP", async () => {
    const upstream = await server();
    await resolveWith([upstream]);
    for (const ask of [askUdp, askTcp]) {
      const outside = await ask(ingress.dnsPort, "Example.com", PERSON);
      assert.deepEqual(addressesIn(outside), [ANSWER]);
      assert.deepEqual([outside.questions?.[0]?.name, outside.flag_ra], ["Example.com", true]);
      assert.deepEqual(
        outside.answers?.map((row) => "ttl" in row && row.ttl),
        [60],
      );
      const inside = await ask(ingress.dnsPort, "hello.home.internal", PERSON);
      assert.deepEqual([addressesIn(inside), inside.flag_aa, inside.flag_ra], [["127.0.0.1"], true, true]);
    }
    assert.equal(upstream.asked.length, 2);
  });

  test("follows an alias that leads outside, since programs do not, and says that it failed where that fails", async () => {
    const upstream = await server((packet) =>
      dnsPacket.decode(packet).questions?.[0]?.name === "www.example.com" ? addressAnswer(packet, ANSWER) : undefined,
    );
    const gone = { host: "127.0.0.1", port: await freePort() };
    const records = [{ name: "blog.home.internal", type: "CNAME" as const, values: ["www.example.com"], ttl: 300 }];
    for (const ask of [askUdp, askTcp]) {
      await resolveWith([upstream], { records });
      const unfollowed = await ask(ingress.dnsPort, "blog.home.internal", { ...PERSON, flags: 0 });
      assert.deepEqual(addressesIn(unfollowed), ["www.example.com"], "who wants no recursion gets what the house has");
      const answer = await ask(ingress.dnsPort, "Blog.home.internal", PERSON);
      assert.deepEqual(
        answer.answers?.map((row) => [row.name, row.type, "data" in row && row.data]),
        [
          ["Blog.home.internal", "CNAME", "www.example.com"],
          ["www.example.com", "A", ANSWER],
        ],
      );
      assert.deepEqual(addressesIn(await ask(ingress.dnsPort, "blog.home.internal", { ...PERSON, type: "CNAME" })), ["www.example.com"]);
      assert.deepEqual(addressesIn(await ask(ingress.dnsPort, "blog.home.internal")), ["www.example.com"], "the node itself is not served");
      await resolveWith([gone], { records });
      assert.equal((await ask(ingress.dnsPort, "blog.home.internal", PERSON)).rcode, "SERVFAIL");
    }
  });

  test("answers by TCP who has said that it will ask nothing more", async () => {
    await resolveWith([await server()]);
    const socket = net.connect({ port: ingress.dnsPort, host: "127.0.0.1", localAddress: PERSON.from });
    socket.end(Buffer.concat([framed(question("example.com")), framed(question("hello.home.internal", {}, 2))]));
    const answers = await readFramed(socket, 2);
    assert.deepEqual(new Set(answers.map(({ id }) => id)), new Set([1, 2]));
  });

  test("asks nobody for the node itself, nor for who wants no recursion", async () => {
    const upstream = await server();
    await resolveWith([upstream]);
    assert.equal((await askUdp(ingress.dnsPort, "example.com")).rcode, "REFUSED");
    assert.equal((await askUdp(ingress.dnsPort, "example.com", { ...PERSON, flags: 0 })).rcode, "REFUSED");
    assert.equal((await askTcp(ingress.dnsPort, "example.com", { ...PERSON, flags: 0 })).rcode, "REFUSED");
    assert.equal(upstream.asked.length, 0);
  });

  test("of the tailnet alone asks for whoever comes from there, and refuses the LAN", async (t) => {
    if (process.getuid?.() !== 0) return t.skip("needs root to add an address");
    const [lan, tailnet] = ["10.254.79.1", "100.100.79.1"];
    // All of both networks is this computer's, as 127.0.0.0/8 is.
    const people = { [lan]: "10.254.79.2", [tailnet]: "100.100.79.2" };
    const upstream = await server();
    const loopback = new LoopbackAddresses(`${lan}/24`, `${tailnet}/24`);
    loopback.add();
    try {
      const nodes = { attic: { lan: [lan], tailnet: [tailnet] } };
      const upstreams = [{ host: "127.0.0.1", port: upstream.port }];
      await ingress.client.putSettings({ ...ingress.settings, dns: { ...ingress.settings.dns, addresses: [lan, tailnet] } }, soon());
      const asked = async (serve: NonNullable<Table["resolver"]>["serve"]): Promise<readonly unknown[]> => {
        await ingress.client.putTable({ ...tableOf([]), nodes, resolver: { serve, upstreams } }, soon());
        const answers: unknown[] = [];
        for (const ask of [askUdp, askTcp])
          for (const [address, from] of Object.entries(people)) {
            const answer = await ask(ingress.dnsPort, "example.com", { address, from });
            answers.push(answer.rcode === "NOERROR" ? addressesIn(answer)[0] : answer.rcode);
          }
        return answers;
      };
      assert.deepEqual(await asked(["tailnet"]), ["REFUSED", ANSWER, "REFUSED", ANSWER]);
      assert.deepEqual(await asked(["lan"]), [ANSWER, "REFUSED", ANSWER, "REFUSED"]);
    } finally {
      await ingress.client.putSettings(ingress.settings, soon());
      loopback.remove();
    }
    return undefined;
  });

  test("tells an app who asks, and nobody else", async () => {
    const subnetIn = (packet: Buffer | undefined): unknown =>
      packet &&
      dnsPacket
        .decode(packet)
        .additionals?.flatMap((row) => (row.type === "OPT" ? row.options.map((each) => "ip" in each && each.ip) : []));
    const [app, host] = [await server(), await server()];
    for (const upstream of [{ host: "127.0.0.1", port: app.port, isApp: true }, host]) {
      await resolveWith([upstream]);
      const spoofed = {
        ...EDNS,
        options: [{ code: "CLIENT_SUBNET", ip: "198.51.100.9", sourcePrefixLength: 32 }],
      } as unknown as dnsPacket.OptAnswer; // as above
      await askUdp(ingress.dnsPort, "example.com", { ...PERSON, additionals: [spoofed] });
      await askTcp(ingress.dnsPort, "example.com", OTHER);
    }
    assert.deepEqual(app.asked.map(subnetIn), [[PERSON.from], [OTHER.from]]);
    assert.deepEqual(host.asked.map(subnetIn), [[], []]);
  });

  test("asks the next one where an app is not there, and says that it failed where nobody is", async () => {
    const gone = { host: "127.0.0.1", port: await freePort(), isApp: true };
    await resolveWith([gone, await server()]);
    for (const ask of [askUdp, askTcp]) assert.deepEqual(addressesIn(await ask(ingress.dnsPort, "example.com", PERSON)), [ANSWER]);
    await resolveWith([gone]);
    for (const ask of [askUdp, askTcp]) assert.equal((await ask(ingress.dnsPort, "example.com", PERSON)).rcode, "SERVFAIL");
    await resolveWith([]);
    assert.equal((await askUdp(ingress.dnsPort, "example.com", PERSON)).rcode, "SERVFAIL");
  });

  test("asks the next one where there is no way to one", async () => {
    await resolveWith([{ host: NO_WAY, port: 53 }, await server()]);
    for (const ask of [askUdp, askTcp]) assert.deepEqual(addressesIn(await ask(ingress.dnsPort, "example.com", PERSON)), [ANSWER]);
  });

  test("asks the next one where one cannot or will not answer, and passes that on where nobody knows better", async () => {
    const saying = (rcode: number) => server((packet) => failing(packet, rcode));
    const [broken, closed, good] = [await saying(SERVFAIL), await saying(REFUSED), await server()];
    for (const ask of [askUdp, askTcp]) {
      const asked = async (...upstreams: Parameters<typeof resolveWith>[0]): Promise<unknown> => {
        await resolveWith(upstreams);
        const answer = await ask(ingress.dnsPort, "example.com", PERSON);
        return answer.rcode === "NOERROR" ? addressesIn(answer)[0] : answer.rcode;
      };
      assert.equal(await asked(broken, closed, good), ANSWER);
      assert.equal(await asked(closed, broken), "REFUSED");
      const filter = { host: "127.0.0.1", port: closed.port, isApp: true };
      assert.equal(await asked(filter, good), "REFUSED", "it keeps that name away");
      assert.equal(await asked({ ...filter, port: broken.port }, good), ANSWER);
    }
  });

  test("does not wait again and again for one that is silent", async () => {
    const silent = await server(() => undefined);
    await resolveWith([silent, await server()]);
    await Promise.all(Array.from({ length: 3 }, () => askUdp(ingress.dnsPort, "example.com", PERSON)));
    const before = silent.asked.length;
    assert.deepEqual(addressesIn(await askUdp(ingress.dnsPort, "example.com", PERSON)), [ANSWER]);
    assert.equal(silent.asked.length, before);
  });

  test("passes on a denial, a cut answer, and a whole one by TCP", async () => {
    const upstream = await server((packet, over) => {
      const { questions = [], id = 0 } = dnsPacket.decode(packet);
      if (questions[0]?.name === "nobody.example.com") return dnsPacket.encode({ type: "response", id, flags: 3, questions });
      const whole = addressAnswer(packet, ANSWER, 90);
      if (over === "tcp" || questions[0]?.name === "careless.example.com") return whole;
      return dnsPacket.encode({ type: "response", id, flags: dnsPacket.TRUNCATED_RESPONSE, questions });
    });
    await resolveWith([upstream]);
    assert.equal((await askUdp(ingress.dnsPort, "nobody.example.com", PERSON)).rcode, "NXDOMAIN");
    for (const name of ["big.example.com", "careless.example.com"]) {
      const reply = await sendUdp(ingress.dnsPort, question(name, { additionals: [EDNS] }), PERSON);
      assert.ok(reply.length <= 1232 && dnsPacket.decode(reply).flag_tc, name);
      assert.equal((await askTcp(ingress.dnsPort, name, PERSON)).answers?.length, 90);
    }
  });

  test("believes no answer that comes to another question", async () => {
    const liar = await server((packet) => {
      const other = dnsPacket.decode(packet);
      return addressAnswer(question("other.example.com", {}, other.id), "198.51.100.66");
    });
    const honest = await server();
    await resolveWith([liar, honest]);
    assert.deepEqual(addressesIn(await askUdp(ingress.dnsPort, "example.com", PERSON)), [ANSWER]);
  });

  test("lets one asker have so many questions under way and no more, and answers others meanwhile", async () => {
    const silent = await server((packet) =>
      dnsPacket.decode(packet).questions?.[0]?.name === "example.com" ? undefined : addressAnswer(packet, ANSWER),
    );
    await resolveWith([silent]);
    const rcodes: (string | undefined)[] = [];
    const asked = Array.from({ length: 150 }, () => askUdp(ingress.dnsPort, "example.com", PERSON).then(({ rcode }) => rcodes.push(rcode)));
    assert.deepEqual(addressesIn(await askUdp(ingress.dnsPort, "other.example.com", OTHER)), [ANSWER]);
    await Promise.all(asked);
    assert.deepEqual([...new Set(rcodes)], ["SERVFAIL"]);
    assert.ok(silent.asked.length <= 101, `${silent.asked.length} went on`);
  });

  test("tells each asker of a name what is of use where it asked, from bytes that are kept or not", async () => {
    await resolveWith([await server()]);
    const table = { ...tableOf([]), nodes: { attic: { lan: ["127.0.0.1"], tailnet: [] } } };
    for (let round = 0; round < 3; round += 1) {
      const served = await askUdp(ingress.dnsPort, "hello.home.internal", PERSON);
      const node = await askUdp(ingress.dnsPort, "hello.home.internal");
      assert.deepEqual([served.flag_ra, node.flag_ra], [true, false]);
    }
    await ingress.client.putTable({ ...table, nodes: { attic: { lan: ["127.0.0.7"], tailnet: [] } } }, soon());
    const later = await askUdp(ingress.dnsPort, "hello.home.internal", PERSON);
    assert.deepEqual([addressesIn(later), later.flag_ra], [["127.0.0.7"], false]);
  });
});
