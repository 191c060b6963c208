// What a caller hands over as a file: in which body it goes, and whether it can.

import { dataURL } from "./content.js";
import { isContent, uploadOf } from "./files.js";
import { isPlain } from "./values.js";

/** @typedef {import("./request.js").Operation} Operation */
/** @typedef {import("./patience.js").Waits} Waits */

/**
 * Whether arguments, by their names on the wire, go as JSON where a form is what the call is used to.
 *
 * @param {Operation} operation
 * @param {Readonly<Record<string, unknown>>} values
 */
export function isJSON(operation, values) {
  if (!operation.jsonMediaType) return false;
  const only = (operation.json ?? []).some((name) => name in values);
  return only || (operation.files ?? []).some((name) => isReference(values[name]));
}

/**
 * Files that a JSON body takes by reference, with their content in place of an address. TypeError for those that it has no
 * place for.
 *
 * @param {Operation} operation
 * @param {Readonly<Record<string, unknown>>} values
 * @param {Waits} waits
 */
export async function referred(operation, values, waits) {
  /** @type {Record<string, unknown>} */
  const out = {};
  for (const name of operation.files ?? []) {
    const value = values[name];
    const address = operation.references?.[name];
    if (value === undefined || value === null) continue;
    if (!address) {
      if (isReference(value)) throw misplaced(operation, name);
      const why = "is a file, and this call goes as JSON, which has no place for it";
      throw new TypeError(`${operation.name}: ${name} ${why}; give it as ${instead(operation)}, with its dataURL() as address`);
    }
    if (!isReference(value)) {
      const { blob } = await checkedUpload(operation, name, value, waits);
      out[name] = { [address]: dataURL(new Uint8Array(await waits(blob.arrayBuffer(), name))) };
    }
  }
  return out;
}

/** @param {Operation} operation */
function instead(operation) {
  const [address = "..."] = Object.values(operation.references ?? {});
  return `${operation.json?.[0] ?? "JSON"}: [{ ${address}: "..." }]`;
}

/**
 * @param {Operation} operation
 * @param {string} name
 */
function misplaced(operation, name) {
  const hint = operation.jsonMediaType ? `; what is given by reference goes as ${instead(operation)}` : ", not an object";
  return new TypeError(`${operation.name}: ${name} takes a file${hint}`);
}

/** @param {unknown} value */
function isReference(value) {
  return isPlain(value) && !isContent(value);
}

/**
 * Files, and lists of files, as Uploads.
 *
 * @param {Operation} operation
 * @param {Readonly<Record<string, unknown>>} values
 * @param {Waits} waits
 */
export async function uploaded(operation, values, waits) {
  /** @type {[string, unknown][]} */
  const out = [];
  for (const [name, value] of Object.entries(values)) {
    const declared = operation.files?.includes(name) && value !== null;
    if (!declared && !isContent(value)) out.push([name, value]);
    else if (!Array.isArray(value)) out.push([name, await checkedUpload(operation, name, value, waits)]);
    else if (value.length) out.push([name, await Promise.all(value.map((item) => checkedUpload(operation, name, item, waits)))]);
    else throw new TypeError(`${name}: the list of files is empty`);
  }
  return Object.fromEntries(out);
}

/**
 * @param {Operation} operation
 * @param {string} name
 * @param {unknown} value
 * @param {Waits} waits
 */
async function checkedUpload(operation, name, value, waits) {
  if (isReference(value)) throw misplaced(operation, name);
  const upload = await uploadOf(name, value, waits);
  if (!upload.blob.size) throw new TypeError(`${name}: the file ${upload.name === name ? "" : `${upload.name} `}is empty`);
  return upload;
}
