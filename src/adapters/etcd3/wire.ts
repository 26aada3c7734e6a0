// Between the words of our Store port and etcd's messages. Pure but for Buffer.
import type { IEvent, IKeyValue, ITxnRequest } from "etcd3";
import type { Entry, StoreEvent, Transaction, Write } from "../../ports.ts";

/** The first key after all that begin with the prefix (etcd's `range_end`). Ours end with "/", never with 0xff. */
export function endOfPrefix(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  end.writeUInt8(end.readUInt8(end.length - 1) + 1, end.length - 1);
  return end;
}

/** The first key after this one. */
export function afterKey(key: string): Buffer {
  return Buffer.from(`${key}\0`);
}

export function toEntry(pair: IKeyValue): Entry {
  return {
    key: pair.key.toString(),
    value: pair.value.toString(),
    version: Number(pair.version),
    createRevision: Number(pair.create_revision),
    modRevision: Number(pair.mod_revision),
  };
}

export function toStoreEvent({ type, kv }: IEvent): StoreEvent {
  if (type === "Put") return { type: "put", entry: toEntry(kv) };
  return { type: "delete", key: kv.key.toString(), modRevision: Number(kv.mod_revision) };
}

/** `leaseId`: of what it puts. */
export function toTxnRequest({ compare, writes }: Transaction, leaseId?: string): ITxnRequest {
  return {
    compare: compare.map(({ key, modRevision }) => ({ result: "Equal", target: "Mod", key: Buffer.from(key), mod_revision: modRevision })),
    success: writes.map((write) => toRequest(write, leaseId)),
  };
}

/** Deletes the key if it still belongs to the lease. */
export function toLeasedDelete(leaseId: string, key: string): ITxnRequest {
  return {
    compare: [{ result: "Equal", target: "Lease", key: Buffer.from(key), lease: leaseId }],
    success: [toRequest({ delete: key })],
  };
}

function toRequest(write: Write, lease?: string): NonNullable<ITxnRequest["success"]>[number] {
  if ("put" in write) {
    const put = { key: Buffer.from(write.put), value: Buffer.from(write.value) };
    return { request_put: lease === undefined ? put : { ...put, lease } };
  }
  return { request_delete_range: { key: Buffer.from(write.delete) } };
}
