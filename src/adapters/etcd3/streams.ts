// etcd's raw streams as answers to wait for, each wait bounded. A stream has a client of its own: etcd3 closes all channels of a client
// when one of its streams is cancelled.
import type { Etcd3, IDuplexStream } from "etcd3";
import type { Clock } from "../../ports.ts";
import { connect, type Credentials } from "./connect.ts";

export interface StreamOptions {
  readonly host: string;
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Answers waiting to be taken; the stream pauses above the first and goes on below the second. */
const WAITING_MAX = 64;
const WAITING_LOW = 16;

/** A grpc-js stream is a Node stream; etcd3's type leaves that out. */
type Pausable = { pause(): unknown; resume(): unknown };

export class AnswerStream<Request, Answer> {
  readonly #etcd: Etcd3;
  readonly #stream: IDuplexStream<Request, Answer> & Pausable;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  /** `next` looks at the signal itself. */
  readonly #onAbort = (): void => this.#wake();
  #waiting: Answer[] = [];
  #ended: Error | undefined;
  #wake: () => void = () => {};

  /** Waits for nothing: whether the host answers shows at `next`. */
  static async open<Request, Answer>(
    begin: (etcd: Etcd3) => Promise<IDuplexStream<Request, Answer>>,
    options: StreamOptions,
  ): Promise<AnswerStream<Request, Answer>> {
    const etcd = connect({ ...options, attemptMs: 0 });
    return new AnswerStream(etcd, (await begin(etcd)) as IDuplexStream<Request, Answer> & Pausable, options);
  }

  private constructor(etcd: Etcd3, stream: IDuplexStream<Request, Answer> & Pausable, { clock, signal }: StreamOptions) {
    this.#etcd = etcd;
    this.#stream = stream;
    this.#clock = clock;
    this.#signal = signal;
    stream.on("data", (answer) => this.#receive(answer));
    stream.on("error", (error) => this.#end(error));
    stream.on("end", () => this.#end(new Error("The stream was ended by the host")));
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  send(request: Request): void {
    if (!this.#ended) this.#stream.write(request);
  }

  /** The next answer. Throws when the stream ended, with the signal's reason, or when none came within `limitMs`. */
  async next(limitMs: number): Promise<Answer> {
    const endMs = this.#clock.now() + limitMs;
    for (;;) {
      this.#signal.throwIfAborted();
      const answer = this.#waiting.shift();
      if (this.#waiting.length === WAITING_LOW) this.#stream.resume();
      if (answer !== undefined) return answer;
      if (this.#ended) throw this.#ended;
      const leftMs = endMs - this.#clock.now();
      if (leftMs <= 0) throw new Error(`No answer within ${limitMs} ms`);
      await this.#news(leftMs);
    }
  }

  close(): void {
    this.#end(new Error("The stream was closed"));
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#stream.cancel();
    this.#etcd.close();
  }

  #receive(answer: Answer): void {
    this.#waiting.push(answer);
    if (this.#waiting.length >= WAITING_MAX) this.#stream.pause();
    this.#wake();
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#wake();
  }

  async #news(limitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.timer(limitMs, resolve);
    this.#wake = resolve;
    await promise;
    cancel();
  }
}
