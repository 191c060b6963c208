// Files that come in an answer: as base64 inside it, or behind a URL.

import { fromBase64, toBase64 } from "./base64.js";
import { download } from "./download.js";
import { APIResponseValidationError } from "./errors.js";
import { machine } from "./files.js";
import { HEAD, readPicture, sniff } from "./pictures.js";

/**
 * @typedef {object} Origin Where answers come from.
 * @property {string} baseURL
 * @property {typeof fetch | undefined} fetch The caller's own.
 * @property {object} network Options of `fetch` that say which way connections go.
 * @property {(text: string) => string} clean Takes the key out of a text: some servers repeat it.
 * @property {Map<string, import("./inline.js").Span>} [spans] Files that are still inside an answer; who takes one
 *   removes it.
 */

/**
 * @typedef {object} Held What an object knows of its file.
 * @property {string} inline
 * @property {string | undefined} link
 * @property {Origin} origin
 * @property {import("./inline.js").Span} [span]
 * @property {readonly [string, Uint8Array]} [fetched]
 */

/** @type {WeakMap<object, Held>} */
const HELD = new WeakMap();

/** An object of an answer that carries a file. */
export class Carrier {
  /** @returns {import("../types/runtime.js").Picture} */
  get picture() {
    try {
      return readPicture(start(this));
    } catch (error) {
      if (error instanceof APIResponseValidationError) return readPicture(new Uint8Array());
      throw error;
    }
  }

  /**
   * @param {import("../types/runtime.js").DownloadOptions} [options]
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async toBytes(options = {}) {
    const held = /** @type {Held} */ (HELD.get(this));
    const link = linkOf(this);
    let found = atHand(this);
    if (!found && link) {
      found = await download(link, held.origin, options);
      if (!found.length) throw new APIResponseValidationError("the file behind the URL is empty");
      held.fetched = [link, found]; // once: it was paid for, and links expire
    }
    if (!found?.length) {
      const names = [held.inline, held.link].filter((one) => one !== undefined);
      throw new APIResponseValidationError(`the answer holds no file: neither ${names.join(" nor ")}`);
    }
    return found;
  }

  /**
   * @param {string | URL} path
   * @param {import("../types/runtime.js").DownloadOptions} [options]
   * @returns {Promise<string>}
   */
  async save(path, options = {}) {
    const { disk, paths, url } = await machine("save()");
    const target = path instanceof URL ? url.fileURLToPath(path) : path;
    const folder = paths.dirname(target); // told before anything is downloaded
    const found = await disk.stat(folder).catch((/** @type {unknown} */ cause) => {
      throw new TypeError(`save(): the folder ${folder} is not there, or cannot be seen: make it first`, { cause });
    });
    if (!found.isDirectory()) throw new TypeError(`save(): ${folder} is not a folder`);
    const content = await this.toBytes(options);
    const { suffix } = sniff(content);
    const named = paths.extname(target) || !suffix ? target : `${target}.${suffix}`;
    await disk.writeFile(named, content);
    return named;
  }

  /**
   * @param {import("../types/runtime.js").DownloadOptions} [options]
   * @returns {Promise<string>}
   */
  async dataURL(options = {}) {
    return dataURL(await this.toBytes(options));
  }
}

/** A file that knows its size, where no member of the answer goes by these names. */
export class SizedCarrier extends Carrier {
  get size() {
    const { width, height } = this.picture;
    return width ? { width, height } : undefined;
  }

  get format() {
    return this.picture.format;
  }
}

/**
 * Makes an object of an answer one that hands out its file.
 *
 * @param {any} value
 * @param {import("./models.js").Shape & { inline: string }} shape
 * @param {Origin} origin
 */
export function carry(value, shape, origin) {
  Object.setPrototypeOf(value, (shape.sized ? SizedCarrier : Carrier).prototype);
  const { spans, ...rest } = origin;
  const mark = value[shape.inline];
  const span = typeof mark === "string" ? spans?.get(mark) : undefined;
  const held = { inline: shape.inline, link: shape.link, origin: rest, ...(span && { span }) };
  HELD.set(value, held);
  if (span) {
    spans?.delete(mark);
    const plain = (/** @type {string} */ text) => {
      delete held.span;
      Object.defineProperty(value, shape.inline, { value: text, writable: true, enumerable: true, configurable: true });
      return text;
    };
    const get = () => plain(span.text());
    Object.defineProperty(value, shape.inline, { get, set: plain, enumerable: true, configurable: true });
  }
}

/**
 * A file as a data URL; its media type is read from its bytes.
 *
 * @param {Uint8Array} content
 * @returns {string}
 */
export function dataURL(content) {
  return `data:${sniff(content).mediaType || "application/octet-stream"};base64,${toBase64(content)}`;
}

/**
 * Whether there is a file, or the address of one.
 *
 * @param {any} carrier
 */
export function hasFile(carrier) {
  const { span } = HELD.get(carrier) ?? {};
  return Boolean(span ?? (textOf(carrier) || linkOf(carrier)));
}

/** @param {any} carrier */
function linkOf(carrier) {
  const link = carrier[HELD.get(carrier)?.link ?? ""];
  return typeof link === "string" ? link : "";
}

/**
 * The text of a file that came inside, "" for none.
 *
 * @param {any} carrier
 * @returns {string}
 */
function textOf(carrier) {
  const text = carrier[HELD.get(carrier)?.inline ?? ""];
  const link = linkOf(carrier);
  return typeof text === "string" && text ? text : link.startsWith("data:") ? link : "";
}

/**
 * The file as far as it came already.
 *
 * @param {any} carrier
 * @returns {Uint8Array<ArrayBuffer> | undefined}
 */
function atHand(carrier) {
  const { span } = HELD.get(carrier) ?? {};
  const text = span ? span.letters() : textOf(carrier);
  if (text) return bytesOf(text);
  const [link, content] = HELD.get(carrier)?.fetched ?? [];
  return link === linkOf(carrier) ? /** @type {Uint8Array<ArrayBuffer>} */ (content) : undefined;
}

/**
 * The first bytes of the file. Of a long text only what tells them is decoded.
 *
 * @param {any} carrier
 */
function start(carrier) {
  const { span } = HELD.get(carrier) ?? {};
  const text = span ? span.letters(2 * HEAD) : textOf(carrier);
  if (text.length < 2 * HEAD || text.startsWith("data:")) {
    return (atHand(carrier) ?? new Uint8Array()).subarray(0, HEAD);
  }
  const letters = text.slice(0, 2 * HEAD).replace(/\s+/g, "");
  return bytesOf(letters.slice(0, letters.length - (letters.length % 4))).subarray(0, HEAD);
}

/** @param {string} text */
function bytesOf(text) {
  const bytes = fromBase64(text);
  if (!bytes) throw new APIResponseValidationError("the file in the answer is not base64");
  return bytes;
}
