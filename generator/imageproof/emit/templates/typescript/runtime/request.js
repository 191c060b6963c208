// Requests, made of what a caller gave: what goes where, under which name, in which form. Nothing is sent here.

import { formOf, formTexts, uploadOf } from "./files.js";
import { isJSON, referred, uploaded } from "./inputs.js";
import { checkedHeader, checkedName } from "./options.js";
import { isPlain, joined, jsonOf, textOf } from "./values.js";

/**
 * @typedef {object} Service What a document says of its API as a whole.
 * @property {string} baseURL
 * @property {readonly string[]} paths Those without parameters.
 * @property {readonly [header: string, prefix: string]} auth
 * @property {string} keyVariable
 * @property {string} urlVariable
 * @property {import("./models.js").Shapes} shapes
 * @property {Readonly<Record<string, readonly [header: string, variable: string]>>} [accounts] Who pays, by option.
 * @property {((operation: Operation, call: Call, settings: Settings) => Promise<void>)} [check] Holds a call against
 *   the rules of its model's family.
 */

/**
 * @typedef {object} Operation One call. `wires` are arguments that have another name on the wire; `query` and `headers`
 *   those that do not go into the body, `commas` lists that travel as one text.
 *
 *   Of a form, `files` are arguments that are files, `lists` and `documents` as `formOf` takes them; `json` are the
 *   arguments that only the JSON body `jsonMediaType` knows, and `references` those of the files that it knows too, each
 *   with the member of a reference that holds its address. `whole` names the argument that is the whole body, `raw`
 *   says that it is a file. `accept` is what the answer may be; `reply` how it is read, `events` how those of a stream
 *   are, where `switch` names the argument that asks for one.
 * @property {string} name
 * @property {string} verb
 * @property {string} path
 * @property {Readonly<Record<string, string>>} [wires]
 * @property {readonly string[]} [required]
 * @property {readonly string[]} [query]
 * @property {readonly string[]} [headers]
 * @property {readonly string[]} [commas]
 * @property {string} [mediaType]
 * @property {readonly string[]} [files]
 * @property {Readonly<Record<string, string>>} [lists]
 * @property {readonly string[]} [documents]
 * @property {readonly string[]} [json]
 * @property {string} [jsonMediaType]
 * @property {Readonly<Record<string, string>>} [references]
 * @property {string} [whole]
 * @property {boolean} [raw]
 * @property {string} [accept]
 * @property {import("./answers.js").Reply} reply
 * @property {string} [items] The member of the answer that lists what was asked for.
 * @property {import("./answers.js").Events} [events]
 * @property {string} [switch]
 */

/**
 * @typedef {object} Settings How a client calls. `query` goes with every call, `deployment` is of Azure's kind:
 *   undefined for none, "" for that of the call's model. `told` are the options that it was made of, without the key.
 * @property {import("../types/runtime.js").ClientOptions} told
 * @property {string} baseURL
 * @property {string | (() => string | PromiseLike<string>)} key
 * @property {readonly [header: string, prefix: string]} auth
 * @property {Readonly<Record<string, unknown>>} query
 * @property {Readonly<Record<string, string | null>>} headers
 * @property {number | null} timeout
 * @property {number} maxRetries
 * @property {((retry: import("../types/runtime.js").Retry) => void) | undefined} onRetry
 * @property {import("../types/runtime.js").Validate} validate
 * @property {import("../types/runtime.js").FamilyOption | undefined} family
 * @property {Set<string>} warned What was warned of.
 * @property {string | undefined} deployment
 * @property {typeof fetch | undefined} fetch
 * @property {object} fetchOptions
 * @property {object} network Those of them that say which way connections go.
 */

/**
 * @typedef {object} Call A request that is ready and can be sent again. `values` are the members of the body before they
 *   were written, files as Uploads.
 * @property {string} verb
 * @property {string} url
 * @property {(key: string) => Record<string, string>} headers
 * @property {string | Blob | undefined} body
 * @property {Record<string, unknown>} values
 * @property {import("../types/runtime.js").RequestOptions} options
 * @property {boolean} streams
 */

/**
 * The request for a call. TypeError, which names the argument, for what cannot be sent.
 *
 * @param {Operation} operation
 * @param {Readonly<Record<string, unknown>>} path Values of path parameters by their names on the wire.
 * @param {Readonly<Record<string, unknown>>} given The other arguments.
 * @param {import("../types/runtime.js").RequestOptions} options
 * @param {Settings} settings
 * @param {import("./patience.js").Waits} waits
 * @returns {Promise<Call>}
 */
export async function callOf(operation, path, given, options, settings, waits) {
  const told = known(given);
  checkNames(operation, told);
  const query = taken(operation, told, operation.query);
  const sent = taken(operation, told, operation.headers);
  const extra = known(options.body ?? {});
  const wire = (/** @type {string} */ name) => operation.wires?.[name] ?? name;
  const own = Object.fromEntries(Object.entries(told).map(([name, value]) => [wire(name), value]));
  let values = operation.whole ? own : { ...own, ...extra };
  const json = isJSON(operation, values);
  const wanted = json ? operation.jsonMediaType : operation.mediaType;
  if (json) values = { ...values, ...(await referred(operation, own, waits)) };
  if (wanted?.startsWith("multipart/form-data")) values = await uploaded(operation, values, waits);
  const { body, mediaType } = await bodyOf(operation, wanted ?? "", values, extra, waits);
  if (body !== undefined && ["GET", "HEAD"].includes(operation.verb)) {
    throw new TypeError(`${operation.name}: fetch sends no body with ${operation.verb}`);
  }
  const url = `${settings.baseURL}${deployed(operation, settings, values)}${filled(operation.path, path)}`;
  return {
    verb: operation.verb,
    url: withQuery(url, { ...settings.query, ...query, ...known(options.query ?? {}) }),
    headers: headersOf(operation, sent, mediaType, options, settings),
    body,
    values,
    options,
    streams: Boolean(operation.events) && (!operation.switch || Boolean(values[wire(operation.switch)])),
  };
}

/**
 * What is said: undefined is not.
 *
 * @param {Readonly<Record<string, unknown>>} told
 * @returns {Record<string, unknown>}
 */
function known(told) {
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
}

/**
 * The headers of a call, by the key that goes along. TypeError, which names the header and does not tell its value, for
 * one that cannot be sent.
 *
 * @param {Operation} operation
 * @param {Readonly<Record<string, unknown>>} sent
 * @param {string} mediaType
 * @param {import("../types/runtime.js").RequestOptions} options
 * @param {Settings} settings
 */
function headersOf(operation, sent, mediaType, options, settings) {
  const texts = Object.entries(sent).flatMap(([name, value]) => (value === null ? [] : [[name, textOf(name, value)]]));
  const own = { ...(mediaType && { "Content-Type": mediaType }), ...Object.fromEntries(texts) };
  // The client's may stand for the key, or take it away; null takes one away.
  const told = [settings.headers, own, options.headers ?? {}].flatMap((one) => pairsOf(one));
  return (/** @type {string} */ key) => {
    const auth = key ? [[settings.auth[0], `${settings.auth[1]}${key}`]] : [];
    const pairs = [["Accept", operation.accept ?? "application/json"], ...auth, ...told];
    // The last one counts, however its name is written. Plain, since engines are slow to copy Headers.
    const last = new Map(pairs.map(([name, value]) => [String(name).toLowerCase(), [name, value]]));
    return Object.fromEntries([...last.values()].filter(([, value]) => value !== null));
  };
}

/**
 * @param {import("../types/runtime.js").HeadersGiven} told
 * @returns {[string, string | null][]}
 */
function pairsOf(told) {
  const pairs = told instanceof Headers ? [...told] : Object.entries(told);
  return pairs.flatMap(([name, value]) => {
    if (value === undefined) return [];
    return [[checkedName(name), value === null ? null : checkedHeader(name, value)]];
  });
}

/**
 * Arguments taken out of all, under their names on the wire: a body may have members of the same names.
 *
 * @param {Operation} operation
 * @param {Record<string, unknown>} told
 * @param {readonly string[]} names
 */
function taken(operation, told, names = []) {
  /** @type {Record<string, unknown>} */
  const out = {};
  for (const name of names) {
    if (!(name in told)) continue;
    const wire = operation.wires?.[name] ?? name;
    out[wire] = operation.commas?.includes(name) ? joined(wire, told[name]) : told[name];
    delete told[name];
  }
  return out;
}

/**
 * @param {Operation} operation
 * @param {Record<string, unknown>} told
 */
function checkNames(operation, told) {
  const missing = (operation.required ?? []).filter((name) => !(name in told));
  if (missing.length) throw new TypeError(`${operation.name}() misses what it needs: ${missing.join(", ")}`);
  const stray = operation.mediaType ? [] : Object.keys(told).filter((name) => !isParameter(operation, name));
  if (stray.length) throw new TypeError(`${operation.name}() has no parameter ${stray[0]}; send it by the option query`);
}

/**
 * @param {Operation} operation
 * @param {string} name
 */
function isParameter(operation, name) {
  return operation.query?.includes(name) || operation.headers?.includes(name);
}

/**
 * Content and media type.
 *
 * @param {Operation} operation
 * @param {string} mediaType
 * @param {Record<string, unknown>} values
 * @param {Readonly<Record<string, unknown>>} extra
 * @param {import("./patience.js").Waits} waits
 * @returns {Promise<{ body?: string | Blob, mediaType: string }>}
 */
async function bodyOf(operation, mediaType, values, extra, waits) {
  if (operation.whole && operation.whole in values) {
    const whole = values[operation.whole];
    if (operation.raw) return { body: (await uploadOf(operation.whole, whole, waits)).blob, mediaType };
    if (!isPlain(whole)) {
      if (Object.keys(extra).length) throw new TypeError("the option body needs a body with members");
      return { body: jsonOf(operation.whole, whole), mediaType };
    }
    values = { ...whole, ...extra };
  } else if (operation.whole || !mediaType) {
    return Object.keys(extra).length ? { body: jsonOf("", extra), mediaType: "application/json" } : { mediaType: "" };
  }
  if (mediaType.startsWith("multipart/form-data")) {
    return formOf(values, operation.lists ?? {}, operation.documents ?? []);
  }
  if (mediaType.startsWith("application/x-www-form-urlencoded")) {
    const pairs = Object.entries(values).flatMap(([name, value]) => formTexts(name, value, name));
    return { body: new URLSearchParams(pairs).toString(), mediaType };
  }
  return { body: jsonOf("", values), mediaType };
}

/**
 * The part of an Azure path that names the deployment; calls without a body have none.
 *
 * @param {Operation} operation
 * @param {Settings} settings
 * @param {Readonly<Record<string, unknown>>} values
 */
function deployed(operation, settings, values) {
  if (settings.deployment === undefined || !operation.mediaType) return "";
  const name = settings.deployment || values.model;
  if (!name) throw new TypeError("Azure needs a deployment: give one to the client, or a model to the call");
  return `/deployments/${encodeURIComponent(String(name))}`;
}

/**
 * A path with its parameters filled in and percent-encoded.
 *
 * @param {string} template
 * @param {Readonly<Record<string, unknown>>} values
 */
function filled(template, values) {
  let path = template;
  for (const [name, value] of Object.entries(values)) {
    const text = encodeURIComponent(textOf(name, Array.isArray(value) ? joined(name, value) : value));
    if (["", ".", ".."].includes(text)) throw new TypeError(`${name} must not be "${text}": the path would be another one`);
    path = path.replaceAll(`{${name}}`, () => text);
  }
  return path;
}

/**
 * @param {string} url
 * @param {Readonly<Record<string, unknown>>} query
 */
function withQuery(url, query) {
  const pairs = Object.entries(query).flatMap(([name, value]) => formTexts(name, value, name));
  return pairs.length ? `${url}?${new URLSearchParams(pairs)}` : url;
}
