// The runner for the TypeScript client, as README tells: `node runner.mjs CALLS.json`, and Deno and Bun likewise. One call
// after the other: warnings belong to the whole process.
import crypto from "node:crypto";
import fs from "node:fs";
import * as api from "../../../generated/typescript/src/index.js";

const METHODS = {
  createImage: (client, given, options) => client.images.generate(given, options),
  createImageEdit: (client, given, options) => client.images.edit(given, options),
  createImageVariation: (client, given, options) => client.images.createVariation(given, options),
  listModels: (client, given, options) => client.models.list(options),
  retrieveModel: (client, { model }, options) => client.models.retrieve(model, options),
};
const KINDS = {
  RequestRuleError: "rule",
  APIConnectionTimeoutError: "timeout",
  APIConnectionError: "connection",
  APIResponseValidationError: "malformed-answer",
  InvalidParameterError: "invalid-parameter",
  ModerationError: "moderation",
  BadRequestError: "bad-request",
  AuthenticationError: "authentication",
  PermissionDeniedError: "permission",
  NotFoundError: "not-found",
  ConflictError: "conflict",
  UnprocessableEntityError: "unprocessable",
  RateLimitError: "rate-limit",
  InternalServerError: "server",
  APIStatusError: "status",
  APIError: "reported",
  TypeError: "argument",
};

function made({ base_url, api_key, timeout, max_retries, default_headers, default_query, azure, ...told }, retries) {
  const options = {
    apiKey: api_key,
    timeout: timeout * 1000,
    maxRetries: max_retries,
    defaultHeaders: default_headers,
    defaultQuery: default_query,
    onRetry: ({ reason }) => retries.push(reason),
    ...told,
  };
  if (!azure) return new api.Client({ ...options, baseURL: base_url });
  const { api_version: apiVersion, deployment } = azure;
  return api.Client.azure({ ...options, endpoint: base_url, apiVersion, deployment });
}

async function argument(value) {
  if (Array.isArray(value)) return Promise.all(value.map(argument));
  if (value?.$path) return value.$path;
  if (!value?.$file) return value;
  const { path, name, type } = value.$file;
  const content = fs.readFileSync(path);
  if (name !== undefined) return new File([content], name, { type });
  return type === undefined ? content : new Blob([content], { type });
}

async function picture(file) {
  const sha256 = crypto.createHash("sha256").update(await file.toBytes()).digest("hex");
  const { format, width, height } = file.picture;
  return { sha256, format, width, height };
}

/** The same, null of one that has neither a file nor a link: its accessor must say so. */
async function fetched(file) {
  try {
    return await picture(file);
  } catch (error) {
    if (error instanceof api.APIResponseValidationError && !file.b64_json && !file.url) return null;
    throw error;
  }
}

async function errorOf(caught) {
  const kind = KINDS[caught.name];
  if (!kind) throw caught;
  const { status = null, code = null, type = null, param = null, message, raw = "", stage = null } = caught;
  const rules = (caught.breaches ?? []).map((one) => one.rule);
  const told = { kind, status, code, type, param, message, raw, stage, rules };
  const finished = await Promise.all((caught.finished ?? []).map(picture));
  return { ...told, request_id: caught.requestID ?? null, categories: caught.categories ?? [], finished };
}

function escaped(letter) {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

async function run(call, line) {
  const given = {};
  for (const [name, value] of Object.entries(call.arguments)) given[name] = await argument(value);
  const { timeout, extra_headers: headers, extra_query: query, extra_body: body, ...options } = call.options;
  if (timeout !== undefined) options.timeout = timeout * 1000;
  const client = made(call.client, line.retries);
  const answer = await METHODS[call.operation](client, given, { ...options, headers, query, body });
  if (call.final) {
    line.pictures = [await fetched(await answer.finalImage())];
    return;
  }
  if (answer instanceof api.Stream) {
    Object.assign(line, { request_id: answer.requestID, events: [], pictures: [] });
    for await (const event of answer) {
      line.events.push(event);
      if (event?.toBytes) line.pictures.push(await fetched(event));
    }
    return;
  }
  Object.assign(line, { request_id: answer._request_id, answer, pictures: [] });
  if (call.operation.startsWith("create")) line.pictures = await Promise.all(answer.data.map(fetched));
}

for (const call of JSON.parse(fs.readFileSync(process.argv[2], "utf8"))) {
  const line = { id: call.id, retries: [], warnings: [] };
  console.warn = (text) => line.warnings.push(/([A-Z0-9-]+)\]$/.exec(text)[1]);
  try {
    await run(call, line);
  } catch (caught) {
    line.error = await errorOf(caught);
  }
  const text = JSON.stringify(line).replace(/[^\x20-\x7e]/g, escaped); // some letters end a line elsewhere
  process.stdout.write(`${text}\n`);
}
