import assert from "node:assert/strict";
import test from "node:test";
import { etcdFlags, type EtcdSettings } from "./flags.ts";

const leaf = (name: string) => ({ certificate: `/t/${name}.crt`, key: `/t/${name}.key` });

const settings: EtcdSettings = {
  name: "attic-k3f9",
  dataDir: "/data/etcd",
  listen: {
    peer: ["https://127.0.0.1:2380"],
    client: ["https://127.0.0.1:2379", "https://[::1]:2379"],
    metrics: ["http://127.0.0.1:2381"],
  },
  advertise: { peer: ["https://10.0.0.2:2380"], client: ["https://10.0.0.2:2379"] },
  cluster: {
    state: "new",
    token: "t1",
    members: [
      { name: "attic-k3f9", peerUrl: "https://10.0.0.2:2380" },
      { name: "nas-x2b1", peerUrl: "https://10.0.0.3:2380,https://[::ffff:100.64.0.3]:2380" },
    ],
  },
  tls: { ca: "/t/ca.crt", crl: "/t/ca.crl", client: leaf("etcd-client"), peer: leaf("etcd-peer") },
  timing: { heartbeatMs: 100, electionMs: 1000 },
};

test("etcd 3.6 and 3.7 get the same flags, and none is experimental", () => {
  assert.deepEqual(etcdFlags("3.7.3", settings), etcdFlags("3.6.16", settings));
  assert.ok(etcdFlags("3.7.3", settings).includes("--max-learners=3"));
  assert.ok(!etcdFlags("3.7.3", settings).some((flag) => flag.includes("experimental")));
});

test("etcd 3.4 and 3.5 get no flag that came with 3.6", () => {
  for (const version of ["3.4.23", "3.5.16"]) {
    const flags = etcdFlags(version, settings);
    assert.ok(flags.includes("--experimental-peer-skip-client-san-verification"));
    assert.ok(
      !flags.some((flag) => flag.startsWith("--max-learners") || flag.startsWith("--peer-skip") || flag.startsWith("--snapshot-catchup")),
    );
  }
});

test("lists are joined by commas, members by name and URL", () => {
  const flags = etcdFlags("3.7.3", settings);
  assert.ok(flags.includes("--listen-client-urls=https://127.0.0.1:2379,https://[::1]:2379"));
  assert.ok(
    flags.includes(
      "--initial-cluster=attic-k3f9=https://10.0.0.2:2380,nas-x2b1=https://10.0.0.3:2380,nas-x2b1=https://[::ffff:100.64.0.3]:2380",
    ),
  );
});

test("clients and peers need a certificate that is not revoked", () => {
  const flags = etcdFlags("3.4.23", settings);
  for (const flag of ["--client-cert-auth", "--peer-client-cert-auth", "--client-crl-file=/t/ca.crl", "--peer-crl-file=/t/ca.crl"])
    assert.ok(flags.includes(flag), flag);
});

test("an unknown version is refused", () => {
  assert.throws(() => etcdFlags("3.8.0", settings), /3\.4 to 3\.7/);
});
