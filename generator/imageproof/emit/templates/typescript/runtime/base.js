// Clients without calls: where they call, with which key, through which connections.

import { answered } from "./answers.js";
import * as errors from "./errors.js";
import { toFile } from "./files.js";
import { Http } from "./http.js";
import { azureEndpoint, checkedHeader, clientOptions, environment, normalBaseURL, normalHeaders, normalKey } from "./options.js";
import { shownKind } from "./values.js";

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
  #begun = false;
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
    this.#made = Promise.resolve().then(() => {
      this.#begun = true;
      return begin(!this.#raw);
    });
    resolve(this.#made.then(({ data }) => data, (error) => (this.#raw ? undefined : Promise.reject(error))));
  }

  /** @returns {Promise<Response>} */
  async asResponse() {
    if (this.#begun && !this.#raw) {
      throw new TypeError("asResponse() comes too late, the answer is being read: ask for it in the same expression as the call");
    }
    this.#raw = true;
    return (await this.#made).response;
  }

  async withResponse() {
    const [data, { response, requestID }] = await Promise.all([this, this.#made]);
    return { data, response, request_id: requestID };
  }
}

/**
 * An answer that lists things, which can be gone through at once: `for await (const one of client.models.list())`.
 *
 * @template T, I
 * @extends {APIPromise<T>}
 */
export class ListPromise extends APIPromise {
  /** @type {string} */
  #member;

  /**
   * @param {(whole: boolean) => Promise<{ response: Response, requestID: string | null, data: any }>} begin
   * @param {string} member
   */
  constructor(begin, member) {
    super(begin);
    this.#member = member;
  }

  /** @returns {AsyncGenerator<I, void>} */
  async *[Symbol.asyncIterator]() {
    yield* each(await this, this.#member);
  }
}

/**
 * @param {any} answer
 * @param {string | undefined} member
 */
async function* each(answer, member = "") {
  if (!Array.isArray(answer[member])) {
    throw new errors.APIResponseValidationError(`the answer has no list ${member}`, { raw: JSON.stringify(answer) });
  }
  yield* answer[member];
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
   * @returns {any}
   */
  call(operation, path, given = {}, options = {}) {
    const begin = async (/** @type {boolean} */ whole) => {
      if (!errors.isObject(given)) throw new TypeError(`${operation.name}() takes an object of parameters, not ${shownKind(given)}`);
      const exchange = await this.#http.exchange(operation, path, given, options, whole);
      const { response, requestID } = exchange;
      const data = whole ? await answered(operation, exchange, this.#http.shapes) : undefined;
      if (operation.items && data) Object.defineProperty(data, Symbol.asyncIterator, { value: () => each(data, operation.items) });
      return { response, requestID, data };
    };
    return operation.items ? new ListPromise(begin, operation.items) : new APIPromise(begin);
  }
}

/** What every client is. */
export class BaseClient {
  static ClientError = errors.ClientError;
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
    const { told, warned, auth, deployment, key } = this.#http.settings;
    const given = clientOptions(options);
    const headers = { ...normalHeaders(told.defaultHeaders ?? {}), ...normalHeaders(given.defaultHeaders ?? {}) };
    const defaultQuery = { ...told.defaultQuery, ...given.defaultQuery };
    const fresh = settingsOf({ ...told, apiKey: key, ...given, defaultHeaders: headers, defaultQuery }, kind.service);
    return opened(kind, { ...fresh, warned, auth, deployment });
  }

  /**
   * @param {import("../types/runtime.js").AzureOptions} options
   */
  static azure(options = /** @type {any} */ ({})) {
    const { endpoint, apiVersion, deployment, ...rest } = options;
    const service = /** @type {any} */ (this).service;
    const found = azureEndpoint(endpoint);
    const version = apiVersion ?? found.apiVersion;
    const isV1 = found.deployment === undefined;
    if (!version && !isV1) {
      throw new TypeError("apiVersion is missing: give it, such as 2025-04-01-preview, or the whole Target URI of the portal as endpoint");
    }
    if (deployment && isV1) throw new TypeError("deployment: the v1 endpoint of Azure has none in its path; name it as model of each call");
    const apiKey = typeof rest.apiKey === "function" ? rest.apiKey : normalKey(rest.apiKey, "AZURE_OPENAI_API_KEY");
    const defaultQuery = { ...found.query, ...(version && { "api-version": version }), ...rest.defaultQuery };
    const settings = settingsOf({ ...rest, apiKey, baseURL: found.baseURL, defaultQuery }, service);
    const named = isV1 ? undefined : deployment || found.deployment;
    return opened(this, { ...settings, auth: AZURE_AUTH, deployment: named }, rest.dangerouslyAllowBrowser);
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
  /** @type {ClientOptions} */
  const told = clientOptions(options);
  const where = String(told.baseURL || environment(service.urlVariable) || service.baseURL);
  const { baseURL, query } = normalBaseURL(where, service);
  const fetchOptions = told.fetchOptions ?? {};
  return {
    told: { ...told, baseURL: where, apiKey: undefined }, // the key has one place
    baseURL,
    key: typeof told.apiKey === "function" ? told.apiKey : normalKey(told.apiKey, service.keyVariable),
    auth: service.auth,
    query: { ...query, ...told.defaultQuery },
    headers: { ...accountHeaders(told, baseURL, service), ...normalHeaders(told.defaultHeaders ?? {}) },
    timeout: told.timeout === undefined ? 600_000 : told.timeout,
    maxRetries: told.maxRetries ?? 2,
    onRetry: told.onRetry ?? undefined,
    validate: told.validate ?? "warn",
    family: told.family ?? undefined,
    warned: new Set(),
    deployment: undefined,
    fetch: told.fetch ?? undefined,
    fetchOptions,
    network: Object.fromEntries(Object.entries(fetchOptions).filter(([name]) => NETWORK.includes(name))),
  };
}

// What of `fetchOptions` says which way connections go: for undici, Bun and Deno. Downloads go the same way.
const NETWORK = ["dispatcher", "proxy", "tls", "unix", "client"];

/**
 * The headers that say who pays, for keys of several. The environment tells them for the service's own host alone.
 *
 * @param {ClientOptions} told
 * @param {string} baseURL
 * @param {Service} service
 * @returns {Record<string, string>}
 */
function accountHeaders(told, baseURL, service) {
  const isOwn = baseURL.startsWith("https://") && new URL(baseURL).host === new URL(service.baseURL || "https://x").host;
  /** @type {Record<string, string>} */
  const headers = {};
  for (const name of /** @type {const} */ (["organization", "project"])) {
    const [header, variable] = service.accounts?.[name] ?? [];
    if (told[name] && !header) throw new TypeError(`${name}: this API knows none`);
    const value = told[name] === undefined && isOwn && variable ? environment(variable).trim() : told[name];
    if (value && header) headers[header.toLowerCase()] = checkedHeader(header, value);
  }
  return headers;
}

function isBrowser() {
  const here = /** @type {any} */ (globalThis);
  return typeof here.window?.document !== "undefined" && typeof here.navigator !== "undefined";
}
