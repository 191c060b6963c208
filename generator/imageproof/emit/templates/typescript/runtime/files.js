// Files that go out: where their bytes are, their name and media type, and the parts of a form.

import { isBun, piecesOf } from "./engines.js";
import { APIError } from "./errors.js";
import { HEAD, joinedBytes, sniff } from "./pictures.js";
import { isPlain, jsonOf, shownKind, textOf } from "./values.js";

/** @typedef {import("./patience.js").Waits} Waits */

/** A file to send. `head` are its first bytes, enough to tell what it is. */
export class Upload {
  /**
   * @param {string} name
   * @param {string} type
   * @param {Blob} blob
   * @param {Uint8Array} head
   */
  constructor(name, type, blob, head) {
    this.name = name;
    this.type = type;
    this.blob = blob;
    this.head = head;
  }
}

// Bun (1.4) forgets what is behind a Blob of a file when that becomes a part of another one, and names it by its whole path.
const FORGETS = isBun;
const LONGEST_PATH = 250; // letters that are shown; what is longer is hardly one
const TYPES = { png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", webp: "image/webp", gif: "image/gif" };

/**
 * A name and perhaps a media type for content that has none.
 *
 * @param {import("../types/runtime.js").FileInput} content
 * @param {string | null} [name]
 * @param {{ type?: string }} [options]
 * @returns {Promise<File>}
 */
export async function toFile(content, name, options) {
  const upload = await uploadOf("file", content, async (work) => work);
  return new File([upload.blob], name ?? upload.name, { type: options?.type ?? (name ? "" : upload.type) });
}

/**
 * A file that is given as the argument `name`. Its type is what the caller said, else what its bytes are, else what its
 * name says.
 *
 * @param {string} name
 * @param {any} value
 * @param {Waits} waits
 * @returns {Promise<Upload>}
 */
export async function uploadOf(name, value, waits) {
  const given = typeof value?.then === "function" ? await waits(value, name) : value;
  const { blob, own } = await found(name, given, waits);
  const head = new Uint8Array(await waits(blob.slice(0, HEAD).arrayBuffer(), name));
  const { suffix, mediaType } = sniff(head);
  const fileName = own || (suffix ? `${name}.${suffix}` : name);
  const ending = fileName.split(".").pop()?.toLowerCase() ?? "";
  const told = blob.type.endsWith("octet-stream") ? "" : blob.type;
  const guessed = /** @type {Record<string, string>} */ (TYPES)[ending];
  return new Upload(fileName, told || mediaType || guessed || "application/octet-stream", blob, head);
}

/**
 * Content under its own name, "" for content without.
 *
 * @param {string} name
 * @param {any} content
 * @param {Waits} waits
 * @returns {Promise<{ blob: Blob, own: string }>}
 */
async function found(name, content, waits) {
  if (content instanceof Blob) {
    const own = /** @type {File} */ (content).name ?? "";
    return { blob: await kept(content), own: FORGETS ? lastOf(own) : own };
  }
  if (content instanceof ArrayBuffer || ArrayBuffer.isView(content)) {
    return { blob: new Blob([/** @type {ArrayBuffer} */ (content)]), own: "" };
  }
  if (typeof content === "string" || content instanceof URL) return opened(name, content);
  if (typeof content?.toBytes === "function") return { blob: new Blob([await waits(content.toBytes(), name)]), own: "" };
  if (isAnswer(content)) return answered(name, content, waits);
  if (isForeignBlob(content)) {
    const blob = new Blob([await waits(content.arrayBuffer(), name)], { type: content.type });
    return { blob, own: content.name ?? "" };
  }
  if (typeof content?.getReader === "function" || typeof content?.[Symbol.asyncIterator] === "function") {
    return { blob: new Blob([await collected(name, content, waits)]), own: lastOf(content.path ?? "") };
  }
  throw new TypeError(`${name}: not a path, bytes, a Blob or a stream: ${shownKind(content)}`);
}

/**
 * The bytes of a file.
 *
 * @param {string} name
 * @param {unknown} value
 */
export async function contentOf(name, value) {
  const { blob } = await uploadOf(name, value, async (work) => work);
  return new Uint8Array(await blob.arrayBuffer());
}

/** @param {any} value An answer of fetch, or of what stands for it. */
function isAnswer(value) {
  return typeof value?.arrayBuffer === "function" && typeof value.headers?.get === "function" && "bodyUsed" in value;
}

/** @param {any} value A Blob of a package's own. */
function isForeignBlob(value) {
  return typeof value?.arrayBuffer === "function" && typeof value.stream === "function" && typeof value.type === "string";
}

/**
 * @param {string} name
 * @param {Response} answer
 * @param {Waits} waits
 */
async function answered(name, answer, waits) {
  const url = URL.canParse(answer.url) ? new URL(answer.url) : undefined;
  const whose = `the answer${url ? ` of ${url.host}` : ""}`;
  if (!answer.ok) throw new TypeError(`${name}: ${whose} has the status ${answer.status}, and is no file`);
  if (answer.bodyUsed) throw new TypeError(`${name}: ${whose} was read before`);
  const type = answer.headers.get("content-type")?.split(";")[0]?.trim() ?? "";
  const content = answer.body ? await collected(name, answer.body, waits) : await waits(answer.arrayBuffer(), name);
  return { blob: new Blob([content], { type }), own: lastOf(url?.pathname ?? "") };
}

/**
 * A Blob that can be a part of another one.
 *
 * @param {Blob} blob
 */
async function kept(blob) {
  return FORGETS ? new Blob([await blob.arrayBuffer()], { type: blob.type }) : blob;
}

/**
 * A file of this machine, which is read while it is sent.
 *
 * @param {string} name
 * @param {string | URL} path
 */
async function opened(name, path) {
  if (path instanceof URL && path.protocol !== "file:") {
    throw new TypeError(`${name}: a URL of a file begins with file:, not ${path.protocol}`);
  }
  const { fs, disk, paths, url } = await machine(`${name}: a path`);
  const file = path instanceof URL ? url.fileURLToPath(path) : path;
  if (/^(https?|data):/i.test(file)) {
    throw new TypeError(`${name}: a text is the path of a file; of a URL give what fetch() answers, or where there is one a reference`);
  }
  try {
    await disk.access(file, fs.constants.R_OK);
    if ((await disk.stat(file)).isDirectory()) throw new Error("it is a folder");
    return { blob: await kept(await fs.openAsBlob(file)), own: paths.basename(file) };
  } catch (cause) {
    const { code, message } = /** @type {any} */ (cause);
    const shown = file.length > LONGEST_PATH ? `${file.slice(0, LONGEST_PATH)}... (a text is the path of a file, not base64)` : file;
    throw new TypeError(`${name}: the file cannot be read: ${shown}: ${code ?? message}`);
  }
}

/**
 * The modules of Node that deal with files. Their names are kept from bundlers, which would look for them in browsers.
 *
 * @param {string} what What needs them.
 */
export async function machine(what) {
  if (!(/** @type {any} */ (globalThis).process?.versions?.node)) {
    throw new TypeError(`${what} needs a file system, and here is none`);
  }
  /** @type {(name: string) => Promise<any>} */
  const load = (name) => import(/* @vite-ignore */ /* webpackIgnore: true */ name);
  const [fs, disk, paths, url] = await Promise.all(["fs", "fs/promises", "path", "url"].map((one) => load(`node:${one}`)));
  return { fs, disk, paths, url, load };
}

/**
 * @param {string} name
 * @param {ReadableStream | AsyncIterable<unknown>} stream
 * @param {Waits} waits
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function collected(name, stream, waits) {
  const iterator = ("getReader" in stream ? piecesOf(stream.getReader()) : stream)[Symbol.asyncIterator]();
  /** @type {Uint8Array[]} */
  const pieces = [];
  try {
    for (;;) {
      const { done, value } = await waits(iterator.next(), name);
      if (done) return joinedBytes(pieces);
      pieces.push(bytesOf(name, value));
    }
  } catch (error) {
    void iterator.return?.().catch(() => undefined); // who stalls may not come to an end either
    if (error instanceof APIError || error instanceof TypeError) throw error;
    throw new TypeError(`${name}: the stream broke: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

/**
 * @param {string} name
 * @param {unknown} piece
 */
function bytesOf(name, piece) {
  if (typeof piece === "string") return new TextEncoder().encode(piece);
  if (ArrayBuffer.isView(piece)) return new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
  if (piece instanceof ArrayBuffer) return new Uint8Array(piece);
  throw new TypeError(`${name}: the stream brought ${shownKind(piece)}, not bytes`);
}

/**
 * Whether a value that nobody declared can only be a file.
 *
 * @param {any} value
 */
export function isContent(value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const held = [Blob, ArrayBuffer, URL].some((kind) => value instanceof kind) || ArrayBuffer.isView(value);
  const calls = ["getReader", "arrayBuffer", "toBytes", "then", Symbol.asyncIterator].some((name) => typeof value[name] === "function");
  return held || calls;
}

/**
 * The Upload that a value is, or those that it holds.
 *
 * @param {unknown} value
 * @returns {Upload[]}
 */
export function uploadsIn(value) {
  return (Array.isArray(value) ? value : [value]).filter((one) => one instanceof Upload);
}

/**
 * The parts of a multipart form, texts first and files, which are Uploads, last. null has no part.
 *
 * @param {Record<string, unknown>} values
 * @param {Record<string, string>} lists The part name for a list where it differs.
 * @param {readonly string[]} documents Objects that travel as one part of JSON.
 */
export function formOf(values, lists, documents) {
  const boundary = Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0"));
  /** @type {[string, string | Blob][]} */
  const texts = [];
  /** @type {[string, string | Blob][]} */
  const files = [];
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined) continue;
    const uploads = uploadsIn(value);
    const many = lists[name] ?? name;
    if (uploads.length) {
      const part = Array.isArray(value) ? many : name;
      files.push(...uploads.map((one) => /** @type {[string, Blob]} */ ([head(part, one.name, one.type), one.blob])));
    } else if (documents.includes(name)) {
      texts.push([head(name, undefined, "application/json"), jsonOf(name, value)]);
    } else {
      texts.push(...formTexts(name, value, many).map(([part, text]) => pair(head(part), text)));
    }
  }
  const start = `--${boundary.join("")}\r\n`;
  const pieces = [...texts, ...files].flatMap(([top, content]) => [start, top, content, "\r\n"]);
  const body = new Blob([...pieces, `--${boundary.join("")}--\r\n`]);
  return { body, mediaType: `multipart/form-data; boundary=${boundary.join("")}` };
}

/**
 * @param {string} top
 * @param {string} text
 * @returns {[string, string]}
 */
function pair(top, text) {
  return [top, text];
}

/**
 * Text parts of one argument: numbers in decimals, booleans as true and false, members of objects in brackets.
 *
 * @param {string} name
 * @param {unknown} value
 * @param {string} many
 * @returns {[string, string][]}
 */
export function formTexts(name, value, many) {
  if (value === null || value === undefined) return [];
  if (isPlain(value)) {
    return Object.entries(value).flatMap(([key, item]) => formTexts(`${name}[${key}]`, item, `${name}[${key}][]`));
  }
  if (Array.isArray(value)) return value.flatMap((item) => formTexts(many, item, many));
  return [[name, textOf(name, value)]];
}

/**
 * The head of a part, with its empty line. Names travel as UTF-8, with what would end them percent-encoded.
 *
 * @param {string} name
 * @param {string} [fileName]
 * @param {string} [mediaType]
 */
function head(name, fileName, mediaType) {
  const file = fileName === undefined ? "" : `; filename="${quoted(fileName)}"`;
  const type = mediaType ? `\r\nContent-Type: ${mediaType}` : "";
  return `Content-Disposition: form-data; name="${quoted(name)}"${file}${type}\r\n\r\n`;
}

/** @param {string} name */
function quoted(name) {
  return name.replace(/["\x00-\x1f\x7f]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

/** @param {unknown} path */
function lastOf(path) {
  return String(path).split(/[\\/]/).pop() ?? "";
}
