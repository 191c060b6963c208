// Server-sent events, read as they arrive.

import { Carrier, hasFile } from "./content.js";
import { APIError, APIResponseValidationError, APIUserAbortError, isObject, reportedError } from "./errors.js";
import { decoded } from "./models.js";
import { joinedBytes } from "./pictures.js";

const [NEW_LINE, RETURN] = [10, 13];

/**
 * Bytes to events, however the bytes are cut. Comments and unknown fields are passed over.
 *
 * Only CR and LF end a line, so that JSON text stays whole.
 */
export class EventReader {
  /** @type {Uint8Array[]} Pieces of a line that is not complete. */
  #held = [];
  #afterReturn = false;
  #start = true;
  #event = "";
  /** @type {string[]} */
  #data = [];

  /**
   * The events that these bytes complete.
   *
   * @param {Uint8Array} chunk
   * @returns {Generator<{ event: string, data: string }, void>}
   */
  *feed(chunk) {
    let at = this.#afterReturn && chunk[0] === NEW_LINE ? 1 : 0;
    if (chunk.length) this.#afterReturn = chunk[chunk.length - 1] === RETURN;
    let lineEnd = chunk.indexOf(NEW_LINE, at);
    let returned = chunk.indexOf(RETURN, at);
    while (lineEnd >= 0 || returned >= 0) {
      const end = lineEnd < 0 ? returned : returned < 0 ? lineEnd : Math.min(lineEnd, returned);
      this.#held.push(chunk.subarray(at, end));
      yield* this.#line();
      at = end + (end === returned && end + 1 === lineEnd ? 2 : 1);
      if (lineEnd >= 0 && lineEnd < at) lineEnd = chunk.indexOf(NEW_LINE, at);
      if (returned >= 0 && returned < at) returned = chunk.indexOf(RETURN, at);
    }
    if (at < chunk.length) this.#held.push(chunk.subarray(at));
  }

  /**
   * The event that the end completes: the last blank line is often forgotten.
   *
   * @returns {Generator<{ event: string, data: string }, void>}
   */
  *end() {
    if (this.#held.length) yield* this.#line();
    yield* this.#line();
  }

  *#line() {
    const bytes = this.#held.length === 1 ? this.#held[0] : joinedBytes(this.#held);
    this.#held = [];
    let line = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    if (this.#start && line.startsWith("\ufeff")) line = line.slice(1);
    this.#start = false;
    if (!line) {
      if (this.#data.length) yield { event: this.#event, data: this.#data.join("\n") };
      [this.#event, this.#data] = ["", []];
      return;
    }
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#event = value;
  }
}

/** @param {Uint8Array} start Of a body. No line of events begins like that. */
function isObjectText(start) {
  return new TextDecoder().decode(start.subarray(0, 64)).trimStart().startsWith("{");
}

/**
 * Events of one answer, in the order in which they come. Iterate once; leaving the loop closes it.
 *
 * @template T
 * @template [F=T] Events that bring finished files.
 * @template [P=T] Events that bring files in the making.
 */
export class Stream {
  /** @type {import("./exchange.js").Exchange} */
  #exchange;
  /** @type {import("./answers.js").Events} */
  #how;
  /** @type {import("./models.js").Shapes} */
  #shapes;
  /** @type {AsyncGenerator<T, void>} */
  #events;
  #ended;
  /** @type {F[]} */
  #finished = [];
  #bare = false;
  #over = false;
  /** @type {unknown} What ended it too early. */
  #failure;

  /**
   * @param {import("./exchange.js").Exchange} exchange
   * @param {import("./answers.js").Events} how
   * @param {import("./models.js").Shapes} shapes
   */
  constructor(exchange, how, shapes) {
    this.#exchange = exchange;
    this.#how = how;
    this.#shapes = shapes;
    this.#ended = !how.last?.length;
    this.#events = this.#read();
    this.controller = exchange.controller;
    this.requestID = exchange.requestID;
  }

  /** @returns {AsyncIterator<T, void>} */
  [Symbol.asyncIterator]() {
    if (this.#over) throw new TypeError("a stream is gone through once, and this one was; `finished` has what is finished");
    return this.#events;
  }

  close() {
    this.controller.abort();
    this.#exchange.end();
  }

  /** @returns {readonly F[]} */
  get finished() {
    return [...this.#finished];
  }

  /** @returns {Promise<F[]>} */
  async finalImages() {
    for await (const event of this.#events) void event; // what is left of it
    if (this.#failure) throw this.#failure; // also where it was told before
    return [...this.#finished];
  }

  /** @returns {Promise<F>} */
  async finalImage() {
    try {
      await this.finalImages();
    } catch (error) {
      if (!this.#finished.length || error instanceof APIUserAbortError) throw error;
    }
    const event = this.#finished.at(-1);
    if (event === undefined) {
      throw new APIResponseValidationError("the stream brought no finished picture", { requestID: this.requestID });
    }
    return event;
  }

  /** @returns {AsyncGenerator<P, void>} */
  async *partialImages() {
    for await (const event of this.#events) if (event instanceof Carrier && !this.#isLast(event)) yield /** @type {any} */ (event);
  }

  /** @param {unknown} event */
  #isLast(event) {
    const kind = isObject(event) ? event[this.#how.member ?? "type"] : undefined;
    return typeof kind === "string" && Boolean(this.#how.last?.includes(kind));
  }

  /** @returns {AsyncGenerator<T, void>} */
  async *#read() {
    try {
      yield* this.#made();
      const told = { requestID: this.requestID };
      if (!this.#ended) throw new APIResponseValidationError("the stream ended before its last event", told);
      if (this.#bare && !this.#finished.length) {
        throw new APIResponseValidationError("the stream holds no file: its last event has none", told);
      }
    } catch (error) {
      this.#failure = error;
      if (error instanceof APIError) error.finished = this.finished;
      throw error;
    } finally {
      this.#over = true;
    }
  }

  /** @returns {AsyncGenerator<T, void>} */
  async *#made() {
    const reader = new EventReader();
    let [first, over] = [true, false];
    try {
      while (!over) {
        const chunk = await this.#piece();
        over = !chunk;
        if (first && chunk && isObjectText(chunk)) throw await this.#single(chunk);
        first = false;
        for (const { event, data } of chunk ? reader.feed(chunk) : reader.end()) {
          if (data.trim() === "[DONE]") return;
          yield this.#event(event, data);
        }
      }
    } finally {
      if (over) this.#exchange.end();
      else await this.#exchange.cancel();
    }
  }

  /**
   * The error for JSON that goes by the media type of events: it may hold what was paid for.
   *
   * @param {Uint8Array} start
   */
  async #single(start) {
    const { origin, response } = this.#exchange;
    this.#exchange.unread(start);
    const told = { raw: origin.clean(await this.#exchange.text()), status: response.status, requestID: this.requestID };
    return new APIResponseValidationError("asked for events, and got a single answer by their media type", told);
  }

  async #piece() {
    try {
      return await this.#exchange.read();
    } catch (error) {
      throw this.#exchange.broken(error);
    }
  }

  /**
   * @param {string} event
   * @param {string} data
   * @returns {T}
   */
  #event(event, data) {
    const { member, last = [], type } = this.#how;
    const { origin } = this.#exchange;
    const told = () => ({ raw: origin.clean(data), requestID: this.requestID });
    /** @type {any} */
    let value;
    try {
      value = JSON.parse(data);
    } catch {
      throw new APIResponseValidationError("an event is not JSON", told());
    }
    if (isObject(value)) {
      if (value.error || event === "error" || value.type === "error") throw reportedError(told());
      if (event && member && value[member] === undefined) value[member] = event;
      const kind = value[member ?? ""];
      if (typeof kind === "string" && last.includes(kind)) this.#ended = true;
    }
    const made = decoded(value, type, this.#shapes, origin);
    if (this.#isLast(made)) {
      if (made instanceof Carrier && !hasFile(made)) this.#bare = true;
      else this.#finished.push(/** @type {any} */ (made));
    }
    return made;
  }
}
