// Clients without calls: where they call, with which key, through which connections.

import { answered } from "./answers.js";
import * as errors from "./errors.js";
import { toFile } from "./files.js";
import { Http } from "./http.js";
import { checkRetries, checkTimeout, environment, normalBaseURL, normalHeaders, normalKey } from "./options.js";

/** @typedef {import("../types/runtime.js").ClientOptions} ClientOptions */
/** @typedef {import("../types/runtime.js").RequestOptions} RequestOptions */
/** @typedef {import("./request.js").Service} Service */
/** @typedef {import("./request.js").Settings} Settings */

const AZURE_AUTH = /** @type {const} */ (["api-key", ""]);

/**
 * An answer that is waited for. The request leaves when the code that asked for it has run, so that it can still be said
 * that the answer is wanted as it came.
 *
 * @template T
 * @extends {Promise<T>}
 */
export class APIPromise extends Promise {
  /** @type {boolean} */
  #raw = false;
  /** @type {Promise<{ response: Response, requestID: string | null, data: T | undefined }>} */
  #made;

  static get [Symbol.species]() {
    return Promise;
  }

  /** @param {(whole: boolean) => Promise<{ response: Response, requestID: string | null, data: any }>} begin */
  constructor(begin) {
    /** @type {(value: any) => void} */
    let resolve = () => undefined;
    super((done) => {
      resolve = done;
    });
    this.#made = Promise.resolve().then(() => begin(!this.#raw));
    resolve(this.#made.then(({ data }) => data, (error) => (this.#raw ? undefined : Promise.reject(error))));
  }

  /** @returns {Promise<Response>} */
  async asResponse() {
    this.#raw = true;
    return (await this.#made).response;
  }

  async withResponse() {
    const [data, { response, requestID }] = await Promise.all([this, this.#made]);
    return { data, response, request_id: requestID };
  }
}

/** A group of calls. */
export class Resource {
  /** @type {Http} */
  #http;

  /** @param {Http} http */
  constructor(http) {
    this.#http = http;
  }

  /**
   * @param {import("./request.js").Operation} operation
   * @param {Readonly<Record<string, unknown>>} path
   * @param {object} given
   * @param {RequestOptions} options
   * @returns {APIPromise<any>}
   */
  call(operation, path, given = {}, options = {}) {
    return new APIPromise(async (whole) => {
      const told = /** @type {Record<string, unknown>} */ (given);
      const exchange = await this.#http.exchange(operation, path, told, options, whole);
      const { response, requestID } = exchange;
      if (!whole) exchange.end(); // whoever reads the body has a clock of their own
      return { response, requestID, data: whole ? await answered(operation, exchange, this.#http.shapes) : undefined };
    });
  }
}

/** What every client is. */
export class BaseClient {
  static APIError = errors.APIError;
  static APIUserAbortError = errors.APIUserAbortError;
  static APIConnectionError = errors.APIConnectionError;
  static APIConnectionTimeoutError = errors.APIConnectionTimeoutError;
  static BadRequestError = errors.BadRequestError;
  static AuthenticationError = errors.AuthenticationError;
  static PermissionDeniedError = errors.PermissionDeniedError;
  static NotFoundError = errors.NotFoundError;
  static ConflictError = errors.ConflictError;
  static UnprocessableEntityError = errors.UnprocessableEntityError;
  static RateLimitError = errors.RateLimitError;
  static InternalServerError = errors.InternalServerError;
  static toFile = toFile;

  /** @type {Http} */
  #http;

  /**
   * @param {ClientOptions} options
   * @param {Service} service
   */
  constructor(options, service) {
    const settings = SETTINGS.get(options) ?? settingsOf(options, service);
    if (settings.key && isBrowser() && !options.dangerouslyAllowBrowser) {
      throw new TypeError(
        "in a browser everyone can read the key: let a server of yours hold it, or say dangerouslyAllowBrowser: true",
      );
    }
    this.#http = new Http(settings, service);
  }

  get baseURL() {
    return this.#http.settings.baseURL;
  }

  /** @returns {Http} */
  static connection(/** @type {BaseClient} */ client) {
    return client.#http;
  }

  /**
   * @param {Partial<ClientOptions>} options
   * @returns {this}
   */
  withOptions(options) {
    const kind = /** @type {any} */ (this.constructor);
    const { service } = kind;
    const old = this.#http.settings;
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    const fresh = settingsOf({ apiKey: "", baseURL: old.baseURL, ...given }, service);
    /** @type {Record<string, unknown>} */
    const changed = { ...old };
    for (const name of Object.keys(given)) {
      if (name === "apiKey") changed.key = fresh.key;
      else if (name in old && name !== "headers" && name !== "query") changed[name] = Reflect.get(fresh, name);
    }
    changed.headers = { ...old.headers, ...fresh.headers };
    changed.query = { ...old.query, ...fresh.query };
    return opened(kind, /** @type {any} */ (changed));
  }

  /**
   * @param {import("../types/runtime.js").AzureOptions} options
   */
  static azure({ endpoint, apiVersion, deployment = "", ...options }) {
    const service = /** @type {any} */ (this).service;
    const baseURL = `${endpoint.replace(/\/$/, "").replace(/\/openai$/, "")}/openai`;
    const apiKey = normalKey(options.apiKey, "AZURE_OPENAI_API_KEY");
    const defaultQuery = { "api-version": apiVersion, ...options.defaultQuery };
    const settings = settingsOf({ ...options, apiKey, baseURL, defaultQuery }, service);
    return opened(this, { ...settings, auth: AZURE_AUTH, deployment }, options.dangerouslyAllowBrowser);
  }
}

/** @type {WeakMap<object, Settings>} */
const SETTINGS = new WeakMap();

/**
 * A client of settings that are made already.
 *
 * @param {any} kind
 * @param {Settings} settings
 * @param {boolean} [dangerouslyAllowBrowser]
 */
function opened(kind, settings, dangerouslyAllowBrowser = true) {
  const options = { dangerouslyAllowBrowser };
  SETTINGS.set(options, settings);
  return new kind(options);
}

/**
 * @param {ClientOptions} options
 * @param {Service} service
 * @returns {Settings}
 */
function settingsOf(options, service) {
  const given = options.baseURL || environment(service.urlVariable) || service.baseURL;
  const { baseURL, query } = normalBaseURL(given, service);
  const timeout = options.timeout === undefined ? 600_000 : options.timeout;
  checkTimeout(timeout);
  checkRetries(options.maxRetries ?? 2);
  return {
    baseURL,
    key: normalKey(options.apiKey, service.keyVariable),
    auth: service.auth,
    query: { ...query, ...options.defaultQuery },
    headers: normalHeaders(options.defaultHeaders ?? {}),
    timeout,
    maxRetries: options.maxRetries ?? 2,
    onRetry: options.onRetry,
    validate: options.validate ?? "warn",
    family: options.family,
    warned: new Set(),
    deployment: undefined,
    fetch: options.fetch,
    fetchOptions: options.fetchOptions ?? {},
  };
}

function isBrowser() {
  const here = /** @type {any} */ (globalThis);
  return typeof here.window?.document !== "undefined" && typeof here.navigator !== "undefined";
}
