// One exchange with the server: request out, answer in, failures told apart and, where it costs nothing, repeated.

import {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
  statusError,
} from "./errors.js";
import { spellings } from "./options.js";
import { callOf } from "./request.js";
import { delayOf, isRepeated, reasonOf } from "./retry.js";

const PIECE = 16 * 1024; // bytes that are made room for where a server does not say how many come
const LONGEST_PROMISE = 64 * 1024 * 1024; // for how many a server's word is taken
const LONGEST_TIMER = 2 ** 31 - 1; // milliseconds; a longer one would end at once

/** The connection of a client. It holds the key, and is the only thing that does. */
export class Http {
  /** @type {import("./request.js").Settings} */
  #settings;
  /** @type {import("./request.js").Service} */
  #service;
  /** @type {import("./content.js").Origin} */
  #origin;

  /**
   * @param {import("./request.js").Settings} settings
   * @param {import("./request.js").Service} service
   */
  constructor(settings, service) {
    this.#settings = settings;
    this.#service = service;
    const secret = spellings(settings.key);
    const clean = (/** @type {string} */ text) => (secret ? text.replace(secret, "[key]") : text);
    this.#origin = { baseURL: settings.baseURL, fetch: settings.fetch, clean };
  }

  /** What the client was told, for a client that differs in a part of it. */
  get settings() {
    return this.#settings;
  }

  get shapes() {
    return this.#service.shapes;
  }

  /**
   * The good answer to a call, repeated as the policy allows. `whole` says that its body belongs to it, unless it is a
   * stream.
   *
   * @param {import("./request.js").Operation} operation
   * @param {Readonly<Record<string, unknown>>} path
   * @param {Readonly<Record<string, unknown>>} given
   * @param {import("../types/runtime.js").RequestOptions} options
   * @param {boolean} whole
   * @returns {Promise<Exchange>}
   */
  async exchange(operation, path, given, options, whole) {
    const settings = this.#settings;
    const call = await callOf(operation, path, given, options, settings);
    await this.#service.check?.(operation, call, settings);
    for (let attempt = 1; ; attempt++) {
      const exchange = new Exchange(call, settings, this.#origin);
      const error = await exchange.begin(whole && !call.streams);
      if (!error) return exchange;
      const reason = exchange.aborted ? "other" : reasonOf(error, exchange.cause);
      if (attempt > (options.maxRetries ?? settings.maxRetries) || !isRepeated(reason, call.verb)) throw error;
      const delay = delayOf(error, attempt);
      settings.onRetry?.({ attempt, delay, reason, error });
      await paused(delay, options.signal);
    }
  }
}

/** One request and its answer. It gives up after a silence, or when the caller does. */
export class Exchange {
  /** @type {import("./request.js").Call} */
  #call;
  /** @type {import("./request.js").Settings} */
  #settings;
  /** @type {number | null} */
  #timeout;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #late = false;
  /** @type {Uint8Array | undefined} */
  #body;
  /** @type {Response | undefined} */
  #response;

  /**
   * @param {import("./request.js").Call} call
   * @param {import("./request.js").Settings} settings
   * @param {import("./content.js").Origin} origin
   */
  constructor(call, settings, origin) {
    this.#call = call;
    this.#settings = settings;
    this.#timeout = call.options.timeout === undefined ? settings.timeout : call.options.timeout;
    this.origin = origin;
    this.streams = call.streams;
    this.controller = new AbortController();
    /** @type {unknown} What `fetch` threw. */
    this.cause = undefined;
    this.aborts = () => this.controller.abort();
  }

  /** @returns {Response} */
  get response() {
    if (!this.#response) throw new Error("not begun");
    return this.#response;
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
    const { verb, url, headers, body, options } = this.#call;
    options.signal?.addEventListener("abort", this.aborts, { once: true });
    if (options.signal?.aborted) this.controller.abort();
    this.restart();
    const told = { ...patient(this.#settings), ...this.#settings.fetchOptions };
    const { signal } = this.controller;
    try {
      const using = this.#settings.fetch ?? fetch;
      this.#response = await using(url, { ...told, method: verb, headers, body, redirect: "manual", signal });
    } catch (cause) {
      return this.#failed(cause, `no answer from ${this.origin.baseURL}`);
    }
    if (this.#response.ok && whole) return this.#read();
    if (this.#response.ok) {
      this.pause();
      return undefined;
    }
    const raw = this.origin.clean(await this.#response.text().catch(() => ""));
    this.end();
    return statusError(this.#response.status, { raw, requestID: this.requestID, headers: this.headers });
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

  /**
   * The body. Throws an APIError where it does not come whole.
   *
   * @returns {Promise<Uint8Array>}
   */
  async bytes() {
    if (this.#body) return this.#body;
    try {
      this.#body = await this.#collected();
    } catch (cause) {
      throw this.#failed(cause, "the answer did not come whole");
    }
    this.end();
    return this.#body;
  }

  /**
   * The body in one piece, which grows where it is longer than the server said.
   *
   * @returns {Promise<Uint8Array>}
   */
  async #collected() {
    const reader = this.response.body?.getReader();
    let whole = new Uint8Array(Math.min(Number(this.response.headers.get("content-length")) || PIECE, LONGEST_PROMISE));
    let size = 0;
    for (;;) {
      this.restart();
      const piece = await reader?.read();
      if (!piece || piece.done) return whole.subarray(0, size);
      if (size + piece.value.length > whole.length) {
        const larger = new Uint8Array(2 * (size + piece.value.length));
        larger.set(whole.subarray(0, size));
        whole = larger;
      }
      whole.set(piece.value, size);
      size += piece.value.length;
    }
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
    const aborted = this.aborted;
    this.end();
    if (aborted) return new APIUserAbortError("the call was aborted", { requestID });
    if (this.#late) return new APIConnectionTimeoutError(`${what} in ${this.#timeout} ms`, { requestID });
    return new APIConnectionError(`${what}: ${this.origin.clean(saidBy(cause))}`, { requestID });
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
    clearTimeout(this.#timer);
    if (this.#timeout === null || this.#timeout === Infinity) return;
    /** @type {any} */
    const timer = setTimeout(() => {
      this.#late = true;
      this.controller.abort();
    }, Math.min(this.#timeout, LONGEST_TIMER));
    timer.unref?.(); // the connection keeps a program of Node's alive, and a clock that nobody needs should not
    this.#timer = timer;
  }

  /** Nothing is waited for until something is read. */
  pause() {
    clearTimeout(this.#timer);
  }

  /** Nothing is waited for any more. */
  end() {
    clearTimeout(this.#timer);
    this.#call.options.signal?.removeEventListener("abort", this.aborts);
  }
}

/**
 * Node's fetch gives up after five minutes without a head, or between two pieces of a body, and pictures may take longer.
 * Its dispatcher, which may be the user's own with proxies, is asked not to: our clock is the one that counts.
 *
 * @param {import("./request.js").Settings} settings
 * @returns {object}
 */
function patient(settings) {
  const found = /** @type {any} */ (globalThis)[Symbol.for("undici.globalDispatcher.1")];
  if (settings.fetch || typeof found?.dispatch !== "function") return {};
  const dispatch = (/** @type {object} */ options, /** @type {unknown} */ handler) =>
    found.dispatch({ ...options, headersTimeout: 0, bodyTimeout: 0 }, handler);
  return { dispatcher: { dispatch } };
}

/**
 * The words of an error and of what caused it: fetch itself only says that it failed.
 *
 * @param {any} cause
 * @returns {string}
 */
function saidBy(cause) {
  const inner = cause?.cause;
  const own = cause?.message || cause?.code || String(cause);
  return inner ? `${own}: ${inner.message || inner.code || String(inner)}` : own;
}

/**
 * @param {number} delay Milliseconds.
 * @param {AbortSignal | null | undefined} signal
 * @returns {Promise<void>}
 */
function paused(delay, signal) {
  return new Promise((resolve, reject) => {
    const aborts = () => {
      clearTimeout(timer);
      reject(new APIUserAbortError("the call was aborted"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", aborts);
      resolve();
    }, Math.min(delay, LONGEST_TIMER));
    if (signal?.aborted) aborts();
    else signal?.addEventListener("abort", aborts, { once: true });
  });
}
