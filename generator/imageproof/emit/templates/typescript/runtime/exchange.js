// One exchange with the server: request out, answer in, failures told apart.

import { Ahead } from "./ahead.js";
import { once, patient, readerOf, saidBy, sender } from "./engines.js";
import {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
  shownCause,
  statusError,
} from "./errors.js";
import { clock } from "./patience.js";
import { joinedBytes } from "./pictures.js";

const PIECE = 16 * 1024; // bytes that are made room for where a server does not say how many come
const LONGEST_PROMISE = 64 * 1024 * 1024; // for how many a server's word is taken
const LONGEST_ERROR = 1024 * 1024; // bytes that are read of an error
const LONGEST_START = 4096; // bytes in which an answer has to show what it is

/** One request and its answer. It gives up after a silence, or when the caller does. */
export class Exchange {
  /** @type {import("./request.js").Call} */
  #call;
  /** @type {Readonly<Record<string, string>>} */
  #headers;
  /** @type {import("./request.js").Settings} */
  #settings;
  /** @type {number | null} */
  #timeout;
  /** @type {any} */
  #timer;
  #late = false;
  /** @type {Uint8Array[]} Pieces that were read to see what they are. */
  #seen = [];
  /** @type {Ahead | undefined} */
  #ahead;
  /** @type {Uint8Array | undefined} */
  #body;
  /** @type {Response | undefined} */
  #response;
  /** @type {import("./engines.js").Reader | undefined} */
  #reader;

  /**
   * @param {import("./request.js").Call} call
   * @param {Readonly<Record<string, string>>} headers
   * @param {import("./request.js").Settings} settings
   * @param {import("./content.js").Origin} origin
   */
  constructor(call, headers, settings, origin) {
    this.#call = call;
    this.#headers = headers;
    this.#settings = settings;
    this.#timeout = call.options.timeout === undefined ? settings.timeout : call.options.timeout;
    this.origin = origin;
    this.streams = call.streams;
    /** @type {unknown} What `fetch` threw. */
    this.cause = undefined;
    const controller = new AbortController();
    const { signal } = call.options;
    this.controller = controller;
    this.aborts = () => controller.abort(signal?.reason); // holds no more than that: it may stay with a signal for long
  }

  /** @returns {Response} */
  get response() {
    if (!this.#response) throw new Error("not begun");
    return this.#response;
  }

  /** The media type of the answer, in lower case and without parameters. */
  get mediaType() {
    const told = this.response.headers.get("content-type") ?? "";
    return (told.split(";")[0] ?? "").trim().toLowerCase();
  }

  /** The headers without the key, should the server repeat it. */
  get headers() {
    const headers = new Headers();
    for (const [name, value] of this.response.headers) headers.append(name, this.origin.clean(value));
    return headers;
  }

  get requestID() {
    const told = this.response.headers.get("x-request-id");
    return told === null ? null : this.origin.clean(told);
  }

  /** Whether the caller, and not the clock, ended it. */
  get aborted() {
    return this.controller.signal.aborted && !this.#late;
  }

  /**
   * Sends the request. Gives the error, if there is one.
   *
   * @param {boolean} whole
   * @returns {Promise<APIError | undefined>}
   */
  async begin(whole) {
    const { verb, url, body, options } = this.#call;
    options.signal?.addEventListener("abort", this.aborts, { once: true });
    if (options.signal?.aborted) this.aborts();
    this.restart();
    const told = { ...this.#settings.fetchOptions, ...patient(this.#settings) };
    const { signal } = this.controller;
    const own = this.#settings.fetch;
    try {
      const using = own ?? sender(this.#settings, this.streams);
      this.#response = await using(url, {
        ...told, method: verb, headers: own ? new Headers(this.#headers) : this.#headers, body: once(body), redirect: "manual", signal,
      });
    } catch (cause) {
      return this.#failed(cause, `no answer from ${this.origin.baseURL}`);
    }
    if (!this.#response.ok) return this.#refused();
    if (whole) return this.#read();
    this.pause();
    return undefined;
  }

  /** @returns {Promise<APIError>} */
  async #refused() {
    /** @type {Uint8Array[]} */
    const pieces = [];
    let [size, cause] = [0, /** @type {unknown} */ (undefined)];
    try {
      for (let piece = await this.read(); piece && size < LONGEST_ERROR; piece = await this.read()) {
        pieces.push(piece);
        size += piece.length;
      }
    } catch (broke) {
      if (this.aborted) return this.#failed(broke, "");
      cause = shownCause(broke, this.origin.clean) ?? "cut"; // what came before tells more than that no more came
    }
    await this.cancel();
    const raw = this.origin.clean(textOf(pieces));
    const told = { raw, requestID: this.requestID, headers: this.headers, cause, cut: cause !== undefined };
    return statusError(this.response.status, told);
  }

  /** @returns {Promise<APIError | undefined>} */
  async #read() {
    try {
      await this.bytes();
    } catch (error) {
      if (error instanceof APIError) return error;
      throw error;
    }
    return undefined;
  }

  /** From now on reads what arrives, whoever asks for it when: as a stream is read. */
  flow() {
    this.#ahead ??= new Ahead(() => this.#next(), () => this.pause());
  }

  /**
   * The next piece of the body, undefined at its end.
   *
   * @returns {Promise<Uint8Array | undefined>}
   */
  read() {
    if (this.#seen.length) return Promise.resolve(this.#seen.shift());
    return this.#ahead ? this.#arrived(this.#ahead) : this.#next();
  }

  /** @param {Uint8Array} piece To be read again. */
  unread(piece) {
    this.#seen.unshift(piece);
  }

  /** @param {Ahead} ahead */
  async #arrived(ahead) {
    const piece = await ahead.read();
    if (this.aborted) throw new Error("the answer is closed");
    return piece;
  }

  /** @returns {Promise<Uint8Array | undefined>} */
  async #next() {
    this.#reader ??= readerOf(this.response);
    if (this.controller.signal.aborted) throw new Error("the answer is closed");
    this.restart();
    const { done, value } = await this.#reader.read();
    if (done) this.pause();
    if (this.controller.signal.aborted) throw new Error("the answer is closed"); // not every engine says so
    return done ? undefined : value;
  }

  /**
   * What the beginning of the body is, by a function that gives undefined where it has to see more.
   *
   * @param {(text: string) => string | undefined} told
   * @returns {Promise<string>}
   */
  async start(told) {
    /** @type {Uint8Array[]} */
    const pieces = [];
    try {
      for (let size = 0; size < LONGEST_START; ) {
        const piece = await this.read();
        if (!piece) break;
        pieces.push(piece);
        size += piece.length;
        const found = told(textOf(pieces, true));
        if (found !== undefined) return found;
      }
    } catch (cause) {
      throw this.#failed(cause, "the answer did not come whole");
    } finally {
      this.#seen.unshift(...pieces);
    }
    return "";
  }

  /**
   * The body. Throws an APIError where it does not come whole, with what came of it.
   *
   * @returns {Promise<Uint8Array>}
   */
  async bytes() {
    if (this.#body) return this.#body;
    // In one piece, which grows where it is longer than the server said.
    let whole = new Uint8Array(Math.min(Number(this.response.headers.get("content-length")) || PIECE, LONGEST_PROMISE));
    let size = 0;
    try {
      for (let piece = await this.read(); piece; piece = await this.read()) {
        if (size + piece.length > whole.length) {
          const larger = new Uint8Array(2 * (size + piece.length));
          larger.set(whole.subarray(0, size));
          whole = larger;
        }
        whole.set(piece, size);
        size += piece.length;
      }
    } catch (cause) {
      const error = this.#failed(cause, "the answer did not come whole");
      error.raw = this.origin.clean(textOf([whole.subarray(0, size)])); // it was paid for
      throw error;
    }
    this.end();
    this.#body = whole.subarray(0, size);
    return this.#body;
  }

  /** @returns {Promise<string>} */
  async text() {
    return new TextDecoder().decode(await this.bytes());
  }

  /**
   * The error for what `fetch` threw.
   *
   * @param {unknown} cause
   * @param {string} what
   * @returns {APIError}
   */
  #failed(cause, what) {
    this.cause = cause;
    const requestID = this.#response && this.requestID;
    const { aborted, controller } = this;
    this.end();
    if (aborted) return new APIUserAbortError("the call was aborted", { requestID, cause: controller.signal.reason });
    const { clean } = this.origin;
    const shown = shownCause(cause, clean);
    if (this.#late) return new APIConnectionTimeoutError(`${what} in ${this.#timeout} ms`, { requestID, cause: shown });
    return new APIConnectionError(`${what}: ${clean(saidBy(cause))}`, { requestID, cause: shown });
  }

  /**
   * The error for a stream that broke.
   *
   * @param {unknown} cause
   */
  broken(cause) {
    return this.#failed(cause, this.#late ? "the stream fell silent: nothing" : "the stream broke");
  }

  /** Something came: the silence begins anew. */
  restart() {
    if (this.#timer?.refresh) {
      this.#timer.refresh();
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = clock(this.#timeout, () => {
      this.#late = true;
      this.controller.abort();
    });
    this.#timer?.unref?.(); // the connection keeps a program of Node's alive, and a clock that nobody needs should not
  }

  /** Nothing is waited for until something is read. */
  pause() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Nothing is waited for any more. */
  end() {
    this.pause();
    this.#call.options.signal?.removeEventListener("abort", this.aborts);
  }

  /** Ends it before its end. */
  async cancel() {
    this.end();
    await this.#reader?.cancel().catch(() => undefined);
  }
}

/**
 * @param {readonly Uint8Array[]} pieces
 * @param {boolean} [more] Whether the last letter may not be whole yet.
 */
function textOf(pieces, more = false) {
  return new TextDecoder().decode(joinedBytes(pieces), { stream: more });
}
