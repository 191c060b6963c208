// The connection of a client: which key goes along, and which calls are repeated.

import { APIError } from "./errors.js";
import { Exchange } from "./exchange.js";
import { callOptions, checkedKey, secretsIn, spellings } from "./options.js";
import { patience, paused } from "./patience.js";
import { callOf } from "./request.js";
import { delayOf, isRepeated, reasonOf } from "./retry.js";

const MOST_SECRETS = 10; // that a client remembers, where each request has another

/** Holds the key, and is the only thing that does. */
export class Http {
  /** @type {import("./request.js").Settings} */
  #settings;
  /** @type {import("./request.js").Service} */
  #service;
  /** @type {Map<string, RegExp>} What must not be shown, by what finds it; the last few. */
  #secrets = new Map();

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
      const headers = call.headers(key);
      const exchange = new Exchange(call, headers, settings, this.#origin([key, ...secretsIn(headers, call.url)]));
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

  /**
   * Where answers come from, with what is known of keys.
   *
   * @param {readonly string[]} keys
   * @returns {import("./content.js").Origin}
   */
  #origin(keys) {
    for (const key of keys) {
      const found = this.#secrets.get(key) ?? spellings(key);
      this.#secrets.delete(key);
      if (found) this.#secrets.set(key, found);
    }
    for (const key of [...this.#secrets.keys()].slice(0, -MOST_SECRETS)) this.#secrets.delete(key);
    const { baseURL, fetch, network } = this.#settings;
    const secrets = [...this.#secrets.values()];
    const clean = (/** @type {string} */ text) => secrets.reduce((shown, one) => shown.replace(one, "[key]"), text);
    return { baseURL, fetch, network, clean };
  }
}
