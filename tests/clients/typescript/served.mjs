// What the tests of the client share: servers of this machine, and what they answer.
import http from "node:http";

export const here = process.env.GENERATED;
export const api = await import(`${here}/typescript/src/index.js`);

export const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
export const PICTURE = Buffer.from(PNG, "base64");
export const GOOD = JSON.stringify({ created: 1, data: [{ b64_json: PNG }] });
export const DONE = `data: {"type":"image_generation.completed","b64_json":"${PNG}"}\n\n`;
export const PARTIAL = `data: {"type":"image_generation.partial_image","partial_image_index":0,"b64_json":"${PNG}"}\n\n`;
export const KEY = "sk-secret+key/7";
export const asked = { prompt: "x", model: "of-nobody" };

/** Numbers below a limit, the same each time. */
export function dice(seed) {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** Runs a test against a server that answers by a function of its request, whose body is kept as `text`. */
export async function served(answer, tried) {
  const requests = [];
  const server = http.createServer(async (request, response) => {
    requests.push(request);
    const pieces = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", () => {
      request.text = Buffer.concat(pieces).toString("latin1");
    });
    answer(request, response);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const origin = `http://127.0.0.1:${server.address().port}`;
  try {
    return await tried(`${origin}/v1`, requests, origin);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

export const json = (text, status = 200) => (request, response) => {
  const send = () => response.writeHead(status, { "content-type": "application/json" }).end(text);
  if (request.text === undefined) request.on("end", send);
  else send();
};
export const events = (response) => response.setHeader("content-type", "text/event-stream");
export const client = (baseURL, options) => new api.Client({ baseURL, apiKey: KEY, maxRetries: 0, ...options });
export const waited = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** What a call throws; it must throw. */
export async function thrown(call) {
  try {
    await (typeof call === "function" ? call() : call);
  } catch (error) {
    return error;
  }
  throw new Error("it did not throw");
}
