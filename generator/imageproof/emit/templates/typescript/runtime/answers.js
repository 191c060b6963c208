// Answers read: JSON, files, texts, streams of events.

import { APIResponseValidationError, isObject } from "./errors.js";
import { cut } from "./inline.js";
import { decoded, holdsFiles } from "./models.js";
import { Stream } from "./stream.js";

/**
 * @typedef {object} Reply How an answer that comes at once is read. `object` says that it is one, `null` that null is an
 *   answer too.
 * @property {"json" | "bytes" | "text" | "nothing"} as
 * @property {import("./models.js").Type} [type]
 * @property {boolean} [object]
 * @property {boolean} [null]
 */

/**
 * @typedef {object} Events How events are read: the member that tells them apart, and its values that may end a stream.
 * @property {import("./models.js").Type} [type]
 * @property {string} [member]
 * @property {readonly string[]} [last]
 */

/** @typedef {import("./exchange.js").Exchange} Exchange */

/**
 * What a caller gets of a good answer.
 *
 * @param {import("./request.js").Operation} operation
 * @param {Exchange} exchange
 * @param {import("./models.js").Shapes} shapes
 * @returns {Promise<any>}
 */
export async function answered(operation, exchange, shapes) {
  if (exchange.streams && operation.events) {
    exchange.flow();
    if (await isStream(exchange)) return new Stream(exchange, operation.events, shapes);
    await valueOf(exchange, { as: "json", object: true }, {}); // an error, most often
    throw invalid("asked for events, and got a single answer", exchange, await exchange.text());
  }
  const { as } = operation.reply;
  if (as === "json") return valueOf(exchange, operation.reply, shapes);
  if (as === "bytes") return exchange.bytes();
  const text = await exchange.text();
  return as === "text" ? text : undefined;
}

const EVENTS = "text/event-stream";
const FIELD = /^(data|event|id|retry)?:/;
const FIELDS = ["data:", "event:", "id:", "retry:"];

/**
 * Whether an answer is a stream of events. Many servers do not say what they send; then it shows at its beginning.
 *
 * @param {Exchange} exchange
 */
async function isStream(exchange) {
  const kind = exchange.mediaType;
  if (kind === EVENTS || /[/+]json$/.test(kind)) return kind === EVENTS;
  const told = await exchange.start((text) => {
    const start = text.trimStart(); // of blank lines, and of a byte order mark
    if (FIELD.test(start)) return EVENTS;
    return FIELDS.some((one) => one.startsWith(start)) ? undefined : "other";
  });
  return told === EVENTS;
}

/**
 * The value of an answer that is JSON.
 *
 * @param {Exchange} exchange
 * @param {Reply} reply
 * @param {import("./models.js").Shapes} shapes
 */
async function valueOf(exchange, reply, shapes) {
  const made = (await withoutFiles(exchange, reply, shapes)) ?? (await plain(exchange, reply, shapes));
  if (!holdsFiles(made, reply.type, shapes)) {
    throw invalid("the answer holds no file, not one among those that it should list", exchange, await exchange.text());
  }
  if (isObject(made)) Object.defineProperty(made, "_request_id", { value: exchange.requestID, enumerable: false });
  return made;
}

/**
 * The value of an answer whose files are still inside it, where every one of them found somebody to take it.
 *
 * @param {Exchange} exchange
 * @param {Reply} reply
 * @param {import("./models.js").Shapes} shapes
 */
async function withoutFiles(exchange, reply, shapes) {
  const names = new Set(Object.values(shapes).flatMap(({ inline }) => (inline ? [inline] : [])));
  if (!reply.type || !names.size) return undefined;
  try {
    const found = cut(await exchange.bytes(), [...names]);
    if (!isObject(found?.value) || found.value.error) return undefined;
    const made = decoded(found.value, reply.type, shapes, { ...exchange.origin, spans: found.spans });
    return found.spans.size ? undefined : made;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * @param {Exchange} exchange
 * @param {Reply} reply
 * @param {import("./models.js").Shapes} shapes
 */
async function plain(exchange, reply, shapes) {
  const text = await exchange.text();
  /** @type {unknown} */
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    const what = exchange.mediaType === EVENTS ? "asked for one answer, and got a stream of events: it" : "the answer";
    throw invalid(`${what} is not JSON`, exchange, text);
  }
  if (reply.object && !isObject(value) && !(reply.null && value === null)) {
    throw invalid("the answer is no object", exchange, text);
  }
  if (isObject(value) && value.error) throw invalid("the answer is an error", exchange, text);
  return decoded(value, reply.type, shapes, exchange.origin);
}

/**
 * The error for an answer that was read, says success and is none.
 *
 * @param {string} message
 * @param {Exchange} exchange
 * @param {string} text
 * @returns {APIResponseValidationError}
 */
function invalid(message, exchange, text) {
  const { origin, requestID, headers } = exchange;
  const { status } = exchange.response;
  return new APIResponseValidationError(message, { status, raw: origin.clean(text), requestID, headers });
}
