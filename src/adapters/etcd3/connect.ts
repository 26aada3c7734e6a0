// Makes clients of etcd3 that leave every decision to us: no policies, a deadline on every call, sockets of their own.
import { Etcd3, type IOptions } from "etcd3";

/** Contents of PEM files. */
export interface Credentials {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface ConnectOptions {
  /** `address:port`. */
  readonly host: string;
  readonly credentials: Credentials;
  /** Of one attempt; streams have none. */
  readonly attemptMs: number;
}

type CallOptionsFactory = Extract<NonNullable<IOptions["defaultCallOptions"]>, (...args: never[]) => unknown>;
type CallOptions = ReturnType<CallOptionsFactory>;
type Interceptor = NonNullable<CallOptions["interceptors"]>[number];
type Policy = NonNullable<NonNullable<IOptions["faultHandling"]>["global"]>;

const MESSAGE_MAX_BYTES = 64 * 1024 * 1024;
/** etcd closes connections that ping more often than each 5 s (`--grpc-keepalive-min-time`). */
const KEEPALIVE_EVERY_MS = 5_000;
const KEEPALIVE_LIMIT_MS = 2_000;
/** Every member's leaf carries it beside its addresses: Node takes no address as a TLS server name (RFC 6066, 3). */
const SERVER_NAME = "localhost";

/** One host, one client: which host is asked is our decision, and a new client never meets a stuck connection of the old one. */
export function connect({ host, credentials, attemptMs }: ConnectOptions): Etcd3 {
  return new Etcd3({
    hosts: host,
    credentials: { rootCertificate: credentials.ca, certChain: credentials.cert, privateKey: credentials.key },
    faultHandling: { global: noPolicy, host: () => noPolicy },
    grpcOptions: {
      "grpc.ssl_target_name_override": SERVER_NAME,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.keepalive_time_ms": KEEPALIVE_EVERY_MS,
      "grpc.keepalive_timeout_ms": KEEPALIVE_LIMIT_MS,
      "grpc.max_receive_message_length": MESSAGE_MAX_BYTES,
      "grpc.max_send_message_length": MESSAGE_MAX_BYTES,
    },
    defaultCallOptions: ({ service, isStream }) => ({
      ...(isStream ? {} : { deadline: Date.now() + attemptMs }),
      // A member answers `status` without a leader; that is what it is asked for.
      ...(service === "Maintenance" ? {} : { interceptors: [requireLeader] }),
    }),
  });
}

/** etcd3's default policies retry blindly and refuse every call for 5 s after three errors. */
const noPolicy = {
  execute: async (call: () => unknown) => call(),
} as unknown as Policy; // etcd3 uses nothing else of a policy

/**
 * A member that lost its leader ends the stream and refuses the call (etcd's `WithRequireLeader`), instead of keeping silent, or
 * worse, saying that all is well. As an interceptor, since etcd3 takes no metadata.
 */
const requireLeader: Interceptor = (options, nextCall) => {
  const call = nextCall(options);
  const start = call.start.bind(call);
  call.start = (metadata, listener) => {
    metadata.set("hasleader", "true");
    start(metadata, listener);
  };
  return call as ReturnType<Interceptor>; // the class adds only privates to the interface
};
