// The connection of a client: which key goes along, and which calls are repeated.

import { APIError } from "./errors.js";
import { Exchange } from "./exchange.js";
import { callOptions, checkedKey, spellings } from "./options.js";
import { patience, paused } from "./patience.js";
import { callOf } from "./request.js";
import { delayOf, isRepeated, reasonOf } from "./retry.js";

/** Holds the key, and is the only thing that does. */
export class Http {
  /** @type {import("./request.js").Settings} */
  #settings;
  /** @type {import("./request.js").Service} */
  #service;
  /** @type {{ key: string, origin: import("./content.js").Origin } | undefined} */
  #last;

  /**
   * @param {import("./request.js").Settings} settings
   * @param {import("./request.js").Service} service
   */
  constructor(settings, service) {
    this.#settings = settings;
    this.#service = service;
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
   * @param {import("../types/runtime.js").RequestOptions} told
   * @param {boolean} whole
   * @returns {Promise<Exchange>}
   */
  async exchange(operation, path, given, told, whole) {
    const settings = this.#settings;
    const options = callOptions(told, operation.name);
    const waits = patience(options.timeout === undefined ? settings.timeout : options.timeout, options.signal);
    const call = await callOf(operation, path, given, options, settings, waits);
    await this.#service.check?.(operation, call, settings);
    for (let attempt = 1; ; attempt++) {
      const key = await this.#key(waits);
      const exchange = new Exchange(call, key, settings, this.#origin(key));
      const error = await exchange.begin(whole && !call.streams);
      if (!error) return exchange;
      const reason = exchange.aborted ? "other" : reasonOf(error, exchange.cause);
      if (attempt > (options.maxRetries ?? settings.maxRetries) || !isRepeated(reason, call.verb)) throw error;
      const delay = delayOf(error, attempt);
      settings.onRetry?.({ attempt, delay, reason, error });
      await paused(delay, options.signal);
    }
  }

  /**
   * The key for one request.
   *
   * @param {import("./patience.js").Waits} waits
   * @returns {Promise<string>}
   */
  async #key(waits) {
    const { key } = this.#settings;
    if (typeof key === "string") return key;
    /** @type {unknown} */
    let found;
    try {
      found = await waits(key(), "apiKey");
    } catch (cause) {
      if (cause instanceof APIError) throw cause;
      throw new APIError("apiKey: the function that gives the key failed; nothing was sent", { cause });
    }
    return checkedKey(found);
  }

  /** @param {string} key */
  #origin(key) {
    if (this.#last?.key !== key) {
      const { baseURL, fetch, network } = this.#settings;
      const secret = spellings(key);
      const clean = (/** @type {string} */ text) => (secret ? text.replace(secret, "[key]") : text);
      this.#last = { key, origin: { baseURL, fetch, network, clean } };
    }
    return this.#last.origin;
  }
}
