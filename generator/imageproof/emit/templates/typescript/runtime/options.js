// What a client is told, as it is used: where it calls, with which key and headers.

import { isPlain, shownKind } from "./values.js";

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])([:/]|$)/i;
const SHORT = 6; // letters; a shorter key, such as "EMPTY", may be part of any word, and is known as a whole word alone
const WORD_OF_JSON = /^(\d+|true|false|null)$/;

/** @param {string} name Of a header. */
export function checkedName(name) {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw new TypeError(`${JSON.stringify(name)} is no name of a header`);
  return name;
}

/**
 * @param {string} name
 * @param {unknown} value
 */
export function checkedHeader(name, value) {
  if (typeof value !== "string" || !/^[\x20-\x7e]*$/.test(value)) {
    throw new TypeError(`header ${JSON.stringify(name)} must be printable ASCII`);
  }
  return value;
}

const isText = (/** @type {unknown} */ value) => typeof value === "string";
const isFunction = (/** @type {unknown} */ value) => typeof value === "function";
const isTable = (/** @type {unknown} */ value) => isPlain(value) || value instanceof Headers;
const isMembers = (/** @type {unknown} */ value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isTime = (/** @type {unknown} */ value) => typeof value === "number" && value > 0;
const isCount = (/** @type {unknown} */ value) => typeof value === "number" && value >= 0;
const isSignal = (/** @type {any} */ value) => typeof value?.addEventListener === "function" && "aborted" in value;
const isValidate = (/** @type {any} */ value) => ["warn", "error", "off"].includes(value);

/** @typedef {readonly [(value: unknown) => boolean, string]} Rule What an option is, and how to say so. */

const TIMEOUT = /** @type {Rule} */ ([isTime, "milliseconds above 0, or null for none"]);
const RETRIES = /** @type {Rule} */ ([isCount, "a number from 0"]);
const HEADERS = /** @type {Rule} */ ([isTable, "an object of texts, or Headers"]);
const MEMBERS = /** @type {Rule} */ ([isPlain, "an object"]);
const VALIDATE = /** @type {Rule} */ ([isValidate, '"warn", "error" or "off"']);
const TEXT = /** @type {Rule} */ ([isText, "a text"]);

/** @type {Record<string, Rule>} */
const OF_CLIENTS = {
  apiKey: [(value) => isText(value) || isFunction(value), "a text, or a function that gives one"],
  baseURL: [(value) => isText(value) || value instanceof URL, "a URL such as https://host/v1"],
  organization: TEXT,
  project: TEXT,
  timeout: TIMEOUT,
  maxRetries: RETRIES,
  defaultHeaders: HEADERS,
  defaultQuery: MEMBERS,
  onRetry: [isFunction, "a function"],
  validate: VALIDATE,
  family: [(value) => isText(value) || isPlain(value), "a family's name, or an object of models with theirs"],
  fetch: [isFunction, "a function like fetch"],
  fetchOptions: [isMembers, "an object"],
  dangerouslyAllowBrowser: [(value) => typeof value === "boolean", "true or false"],
};
/** @type {Record<string, Rule>} */
const OF_DOWNLOADS = {
  timeout: TIMEOUT,
  maxBytes: [isCount, "a number of bytes"],
  signal: [isSignal, "an AbortSignal"],
};
/** @type {Record<string, Rule>} */
const OF_CALLS = {
  headers: HEADERS,
  query: MEMBERS,
  body: MEMBERS,
  timeout: TIMEOUT,
  maxRetries: RETRIES,
  signal: [isSignal, "an AbortSignal"],
  validate: VALIDATE,
  family: TEXT,
};

/**
 * Options of a client without those that are not said. TypeError, which names the option, for one that there is not or
 * that is no such thing: a misspelt `baseUrl` would send the key elsewhere.
 *
 * @param {object} options
 */
export function clientOptions(options) {
  return checked("the client", options, OF_CLIENTS);
}

/**
 * The same of one call.
 *
 * @param {object} options
 * @param {string} call
 * @returns {import("../types/runtime.js").RequestOptions}
 */
export function callOptions(options, call) {
  return checked(`${call}()`, options, OF_CALLS);
}

/**
 * The same of a download.
 *
 * @param {object} options
 * @returns {import("../types/runtime.js").DownloadOptions}
 */
export function checkDownload(options) {
  return checked("a download", options, OF_DOWNLOADS);
}

/**
 * @param {string} whose
 * @param {object} options
 * @param {Record<string, Rule>} rules
 * @returns {any}
 */
function checked(whose, options, rules) {
  if (!isMembers(options)) throw new TypeError(`${whose} takes an object of options, not ${shownKind(options)}`);
  const told = Object.entries(options).filter(([, value]) => value !== undefined);
  for (const [name, value] of told) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (!rule) throw new TypeError(`${whose} has no option ${name}${meant(name, Object.keys(rules))}`);
    if (value !== null && !rule[0](value)) throw new TypeError(`${name} must be ${rule[1]}, not ${shownKind(value)}`);
  }
  return Object.fromEntries(told);
}

/**
 * @param {string} name
 * @param {readonly string[]} known
 */
function meant(name, known) {
  const bare = (/** @type {string} */ text) => text.toLowerCase().replaceAll("_", "");
  const found = known.find((one) => bare(one) === bare(name));
  return found ? `: it is ${found}` : `; there are ${known.join(", ")}`;
}

/**
 * Headers of a client, checked.
 *
 * @param {import("../types/runtime.js").HeadersGiven} told
 * @returns {Record<string, string | null>}
 */
export function normalHeaders(told) {
  const pairs = told instanceof Headers ? [...told] : Object.entries(told);
  const known = pairs.filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    known.map(([name, value]) => [checkedName(name).toLowerCase(), value === null ? null : checkedHeader(name, value)]),
  );
}

/**
 * The base URL that a caller means by a host, a base with or without a slash, or the whole URL of one call; and the
 * query that stood behind it.
 *
 * A host alone gets the path of the default; one without a scheme gets https, or http on this machine. In a browser, a
 * path is one of the page's own server.
 *
 * @param {string} given
 * @param {{ baseURL: string, paths: readonly string[] }} service
 * @returns {{ baseURL: string, query: Record<string, string> }}
 */
export function normalBaseURL(given, service) {
  const parts = parsed(given.trim());
  if (!["http:", "https:"].includes(parts.protocol)) throw new TypeError("baseURL must be a URL such as https://host/v1");
  if (parts.username || parts.password) {
    throw new TypeError("baseURL must not hold a user name or password; give the key as apiKey");
  }
  let path = parts.pathname.replace(/\/+/g, "/").replace(/\/$/, "");
  if (!path && service.baseURL) path = new URL(service.baseURL).pathname.replace(/\/$/, "");
  const known = service.paths.find((one) => path.endsWith(one));
  if (known) path = path.slice(0, -known.length);
  return { baseURL: `${parts.protocol}//${parts.host}${path}`, query: Object.fromEntries(parts.searchParams) };
}

/**
 * @param {string} text
 * @returns {URL}
 */
function parsed(text) {
  const page = /** @type {any} */ (globalThis).location?.origin;
  const bare = !/^[a-z][a-z\d+.-]*:\/\//i.test(text);
  const [host = ""] = text.split(/[/?#]/);
  if (text.startsWith("/") && !/^https?:/.test(page ?? "")) {
    throw new TypeError(`baseURL ${JSON.stringify(text)} names no server, which only a page may leave out: write https://HOST${text}`);
  }
  // A single word may be the beginning of a path, and the key would go to whoever answers to that name.
  if (bare && !text.startsWith("/") && !LOOPBACK.test(text) && !/[.:]/.test(host)) {
    throw new TypeError(`baseURL ${JSON.stringify(text)} has no scheme: write https://${text}, or http:// for a server without TLS`);
  }
  try {
    if (text.startsWith("/")) return new URL(text, page);
    return new URL(bare ? `${LOOPBACK.test(text) ? "http" : "https"}://${text}` : text);
  } catch {
    throw new TypeError("baseURL must be a URL such as https://host/v1");
  }
}

/**
 * What an Azure-style server is called by: its host, a base, or the whole Target URI that the portal shows, which names a
 * deployment and a version too. Of the v1 kind, which knows neither, `deployment` is undefined.
 *
 * @param {unknown} endpoint
 */
export function azureEndpoint(endpoint) {
  if (!isText(endpoint)) throw new TypeError(`endpoint must be a URL such as https://NAME.openai.azure.com, not ${shownKind(endpoint)}`);
  const { baseURL, query } = normalBaseURL(/** @type {string} */ (endpoint), { baseURL: "", paths: [] });
  const { "api-version": apiVersion, ...rest } = query;
  const found = /^(.*?\/openai)(\/v1)?(?:\/deployments\/([^/]+))?(?:\/.*)?$/.exec(baseURL);
  const base = found ? `${found[1]}${found[2] ?? ""}` : `${baseURL}/openai`;
  const deployment = found?.[2] ? undefined : decodeURIComponent(found?.[3] ?? "");
  return { baseURL: base, apiVersion, deployment, query: rest };
}

/**
 * A variable of the environment, "" where there is none.
 *
 * @param {string} name
 * @returns {string}
 */
export function environment(name) {
  try {
    return (/** @type {any} */ (globalThis).process?.env?.[name] ?? "").trim();
  } catch {
    return ""; // Deno asks its user, who may refuse
  }
}

/**
 * The key without the white space that copying brings along. TypeError, which does not tell it, for a bad one.
 *
 * @param {string | null | undefined} key
 * @param {string} variable Where it stands in the environment, if it is not given.
 */
export function normalKey(key, variable) {
  const found = (key ?? environment(variable)).trim();
  if (!/^[\x21-\x7e]*$/.test(found)) throw new TypeError("apiKey must be printable ASCII without spaces");
  return found;
}

/**
 * The key that a function gave. TypeError, which does not tell it, for what is none.
 *
 * @param {unknown} key
 */
export function checkedKey(key) {
  if (!isText(key)) throw new TypeError(`apiKey: the function gave ${shownKind(key)}, not a key; nothing was sent`);
  return normalKey(/** @type {string} */ (key), "");
}

const CARRIERS = /auth|key|token|secret|cookie|password|signature|^sig$/i;

/**
 * The keys that headers and a query carry, whoever set them.
 *
 * @param {Readonly<Record<string, string>>} headers
 * @param {string} url
 * @returns {string[]}
 */
export function secretsIn(headers, url) {
  const query = url.includes("?") ? new URL(url).searchParams : [];
  const carried = [...Object.entries(headers), ...query].filter(([name, value]) => value && CARRIERS.test(name) && !/idempotency/i.test(name));
  return carried.map(([, value]) => value.trim().split(/\s+/).at(-1) ?? "");
}

/**
 * Finds a key as it is, and as JSON and URLs may write it: serializers escape `+` and `/`, and quote at will.
 *
 * @param {string} key
 * @returns {RegExp | undefined}
 */
export function spellings(key) {
  if (!key) return undefined;
  const letters = [...key].map((letter) => {
    const plain = letter.replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
    const code = letter.charCodeAt(0).toString(16).padStart(2, "0");
    return `(?:${plain}|\\\\+u00${code}|\\\\+${plain}|%${code})`; // also where it was written twice
  });
  if (key.length >= SHORT) return new RegExp(letters.join(""), "gi");
  const before = WORD_OF_JSON.test(key) ? `(?<=["'=]|\\w )` : "(?<![\\w-])"; // JSON has to stay JSON
  return new RegExp(`${before}${letters.join("")}(?![\\w-])`, "g");
}
