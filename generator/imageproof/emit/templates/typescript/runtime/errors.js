// Every error of this client, as a tree under ClientError.

const LONGEST_MESSAGE = 2000; // characters; a page of HTML in a message helps nobody, and `raw` has it
const LONGEST_SHOWN = 4000; // characters of a body that is printed with its error

/**
 * @typedef {object} Told What an answer, if there was one, says of an error. `cause` is what was thrown before, `where`
 *   what it was that failed, if not the call itself.
 * @property {number} [status]
 * @property {string} [raw] Text of the answer.
 * @property {string | null | undefined} [requestID]
 * @property {Headers} [headers]
 * @property {unknown} [cause]
 * @property {string} [where]
 * @property {boolean} [cut] Whether the text did not come whole: then it is kept, and not believed.
 */

/** @typedef {new (message: string, told?: Told) => APIError} Kind */

/** The root of the tree. */
export class ClientError extends Error {}

/** Something went wrong with a call. */
export class APIError extends ClientError {
  /**
   * @param {string} message
   * @param {Told} [told]
   */
  constructor(message, told = {}) {
    const raw = told.raw ?? "";
    const { body, said } = told.cut ? { body: raw || undefined, said: "" } : read(raw);
    const members = /** @type {Record<string, any>} */ (isObject(body) ? body : {});
    const whole = told.where || told.cut ? [told.where, message, told.cut ? raw : said] : [said || message];
    super(shortened(whole.filter(Boolean).join(": ")), told.cause === undefined ? undefined : { cause: told.cause });
    /** @type {number | undefined} */
    this.status = told.status;
    this.error = body;
    /** @type {string | null | undefined} */
    this.code = members.code;
    /** @type {string | null | undefined} */
    this.param = members.param;
    /** @type {string | null | undefined} */
    this.type = members.type;
    this.requestID = told.requestID;
    // Those who print an error want neither of these at full length.
    /** @type {string} */
    this.raw = raw;
    /** @type {Headers | undefined} */
    this.headers = told.headers;
    /** @type {readonly any[]} */
    this.finished = [];
    const long = raw.length > LONGEST_SHOWN ? ["error"] : [];
    for (const name of ["raw", "headers", "finished", ...long]) Object.defineProperty(this, name, { enumerable: false });
  }
}

export class APIUserAbortError extends APIError {}
export class APIConnectionError extends APIError {}
export class APIConnectionTimeoutError extends APIConnectionError {}
export class APIResponseValidationError extends APIError {}

export class RequestRuleError extends APIError {
  /**
   * @param {string} message
   * @param {readonly import("../types/runtime.js").Breach[]} breaches
   */
  constructor(message, breaches = []) {
    super(message);
    this.breaches = breaches;
    this.param = breaches[0]?.parameter;
  }
}

export class APIStatusError extends APIError {}
export class BadRequestError extends APIStatusError {}
export class InvalidParameterError extends BadRequestError {}

export class ModerationError extends BadRequestError {
  /** @returns {string} */
  get stage() {
    return String(details(this.error).moderation_stage || "");
  }

  /** @returns {readonly string[]} */
  get categories() {
    const told = details(this.error).categories;
    return Array.isArray(told) ? told.map(String) : [];
  }
}

export class AuthenticationError extends APIStatusError {}
export class PermissionDeniedError extends APIStatusError {}
export class NotFoundError extends APIStatusError {}
export class ConflictError extends APIStatusError {}
export class UnprocessableEntityError extends APIStatusError {}
export class RateLimitError extends APIStatusError {}
export class InternalServerError extends APIStatusError {}

/** @type {Record<string, Kind>} */
const KINDS = {
  ClientError: /** @type {any} */ (ClientError),
  APIError,
  APIUserAbortError,
  APIConnectionError,
  APIConnectionTimeoutError,
  APIResponseValidationError,
  APIStatusError,
  BadRequestError,
  InvalidParameterError,
  ModerationError,
  AuthenticationError,
  PermissionDeniedError,
  NotFoundError,
  ConflictError,
  UnprocessableEntityError,
  RateLimitError,
  InternalServerError,
  RequestRuleError: /** @type {any} */ (RequestRuleError),
};
// Written out, so that a minifier which renames classes does not rename errors.
for (const [name, kind] of Object.entries(KINDS)) {
  Object.defineProperty(kind.prototype, "name", { value: name, configurable: true, writable: true });
}

/** @type {Record<number, Kind>} */
const BY_STATUS = {
  400: BadRequestError,
  401: AuthenticationError,
  403: PermissionDeniedError,
  404: NotFoundError,
  409: ConflictError,
  422: UnprocessableEntityError,
  429: RateLimitError,
};
// Codes by which a filter is known: the official ones, and Azure's.
const FILTERED = ["moderation_blocked", "content_policy_violation", "content_filter", "contentFilter"];

/**
 * The error for a status that is not 2xx.
 *
 * @param {number} status 0 for a redirect of which a browser tells no more.
 * @param {Told} told
 * @returns {APIError}
 */
export function statusError(status, told) {
  if (status === 0 || (status >= 300 && status < 400)) {
    const location = told.headers?.get("location")?.slice(0, 200);
    const shown = `${status || "with a redirect"}${location ? `, which leads to ${location}` : ""}`;
    const message = `the server answered ${shown}: redirects are not followed, since they would carry the key along`;
    return new APIStatusError(message, { ...told, ...(status && { status }) });
  }
  const kind = BY_STATUS[status] ?? (status >= 500 ? InternalServerError : APIStatusError);
  const message = `the server answered ${status}${told.cut ? ", and the rest of its answer did not come" : ""}`;
  const error = new kind(message, { ...told, status });
  if (status !== 400) return error;
  if (isFiltered(error)) return new ModerationError(message, { ...told, status });
  return error.param ? new InvalidParameterError(message, { ...told, status }) : error;
}

/**
 * The error for an event by which a stream reports one.
 *
 * @param {Told} told
 * @returns {APIError}
 */
export function reportedError(told) {
  const message = "the stream reported an error";
  const error = new APIError(message, told);
  return isFiltered(error) ? new ModerationError(message, told) : error;
}

/** @param {APIError} error */
function isFiltered(error) {
  return FILTERED.includes(error.code ?? "") || (isObject(error.error) && "moderation_details" in error.error);
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The error object of an answer, and its message: servers send an envelope, a text, `detail`, HTML or nothing.
 *
 * @param {string} raw
 * @returns {{ body: unknown, said: string }}
 */
function read(raw) {
  /** @type {unknown} */
  let body;
  try {
    body = JSON.parse(raw);
  } catch {
    return { body: raw || undefined, said: "" };
  }
  if (isObject(body) && body.error) body = body.error;
  if (typeof body === "string") return { body, said: body };
  if (!isObject(body)) return { body, said: "" };
  const said = body.message || body.detail || "";
  return { body, said: typeof said === "string" ? said : JSON.stringify(said) };
}

/** @param {string} text */
function shortened(text) {
  return text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE)}... (${text.length} characters)` : text;
}

const KEPT = ["code", "errno", "syscall", "address", "port", "hostname", "name"];

/**
 * What was thrown, as it may be shown: of the same class, with its words cleaned and without members that could hold a
 * request. Whoever throws it (a fetch of the caller's, an agent) may have put the key there.
 *
 * @param {any} cause
 * @param {(text: string) => string} clean
 * @param {number} [depth]
 * @returns {unknown}
 */
export function shownCause(cause, clean, depth = 0) {
  if (typeof cause === "string") return clean(cause);
  if (!(cause instanceof Error) || depth > 5) return undefined;
  if (typeof DOMException === "function" && cause instanceof DOMException) {
    return clean(cause.message) === cause.message ? cause : undefined;
  }
  const shown = Object.create(Object.getPrototypeOf(cause));
  const told = /** @type {any} */ (cause);
  const set = (/** @type {string} */ name, /** @type {unknown} */ value, enumerable = false) =>
    Object.defineProperty(shown, name, { value, enumerable, writable: true, configurable: true });
  set("message", clean(String(told.message)));
  set("stack", clean(String(told.stack)));
  for (const name of KEPT) {
    const value = Object.hasOwn(told, name) ? told[name] : undefined;
    if (["string", "number"].includes(typeof value)) set(name, typeof value === "string" ? clean(value) : value, true);
  }
  if (told.cause !== undefined) set("cause", shownCause(told.cause, clean, depth + 1));
  if (Array.isArray(told.errors)) {
    set("errors", told.errors.map((/** @type {unknown} */ one) => shownCause(one, clean, depth + 1)));
  }
  return shown;
}

/**
 * @param {unknown} error
 * @returns {Record<string, unknown>}
 */
function details(error) {
  const told = isObject(error) ? error.moderation_details : undefined;
  return isObject(told) ? told : {};
}
