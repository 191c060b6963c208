// A script as users of npm's `openai` write it. It runs with that and with ours, of which SDK has the path; a line of JSON
// tells what it saw.
import fs from "node:fs";

const { default: OpenAI, APIError, toFile } = await import(process.env.SDK);
const client = new OpenAI({ apiKey: process.env.KEY, baseURL: process.env.BASE_URL, maxRetries: 0, timeout: 30_000 });
const told = {};

const answer = await client.images.generate({ model: "gpt-image-1", prompt: "a fox", n: 2, size: "1024x1024", quality: "low" });
fs.writeFileSync("fox.png", Buffer.from(answer.data[0].b64_json, "base64"));
told.generated = [Object.keys(answer), answer.data.length, answer.size, answer.usage.total_tokens > 0, typeof answer._request_id];

const stream = await client.images.generate({ model: "gpt-image-1", prompt: "a fox", stream: true, partial_images: 2 });
told.events = [];
for await (const event of stream) {
  if (event.type === "image_generation.partial_image") told.events.push(event.partial_image_index, event.b64_json.length > 9);
  if (event.type === "image_generation.completed") told.events.push(event.usage.total_tokens > 0);
}

const files = await Promise.all(["fox.png", "fox.png"].map((name) => toFile(fs.createReadStream(name), undefined, { type: "image/png" })));
const edited = await client.images.edit({ model: "gpt-image-1", image: files, prompt: "with a hat" });
const single = await client.images.edit({ model: "gpt-image-1", image: fs.createReadStream("fox.png"), prompt: "with a hat" });
told.edited = [edited.data.length, single.data.length, edited.output_format];

const varied = await client.images.createVariation({ image: await toFile(fs.readFileSync("fox.png"), "fox.png"), n: 1, size: "256x256", response_format: "url" });
told.varied = [typeof varied.data[0].url, varied.data[0].b64_json];

const raw = await client.images.generate({ model: "gpt-image-1", prompt: "a fox" }).asResponse();
const { data, response, request_id } = await client.images.generate({ model: "gpt-image-1", prompt: "a fox" }).withResponse();
told.raw = [raw.status, Object.keys(await raw.json()), data.data.length, response.headers.get("content-type"), request_id.slice(0, 4)];
told.model = await client.models.retrieve("gpt-image-1").then(({ id, object }) => [id, object]);

const KINDS = [
  ...["APIError", "APIUserAbortError", "APIConnectionError", "APIConnectionTimeoutError", "BadRequestError"],
  ...["AuthenticationError", "PermissionDeniedError", "NotFoundError", "ConflictError", "UnprocessableEntityError"],
  ...["RateLimitError", "InternalServerError"],
];

async function failure(call) {
  try {
    await call();
  } catch (error) {
    const { status, code, param, type, requestID } = error;
    const kinds = KINDS.filter((name) => error instanceof OpenAI[name]);
    return { named: error instanceof APIError, kinds, status, code, param, type, requestID: typeof requestID };
  }
}

const brief = { model: "gpt-image-1", prompt: "x" };
told.refused = await failure(() => client.images.generate({ ...brief, size: "7x7" }));
told.unknown = await failure(() => client.models.retrieve("nobody"));
told.denied = await failure(() => client.withOptions({ apiKey: "sk-wrong" }).images.generate(brief));
told.aborted = await failure(() => client.images.generate(brief, { signal: AbortSignal.abort() }));
const long = { ...brief, n: 8, size: "1536x1024" }; // so that a busy machine does not find clock and answer at once
told.late = await failure(() => client.images.generate(long, { timeout: 1 }));
told.alone = await failure(() => new OpenAI({ apiKey: "x", baseURL: "http://127.0.0.1:9", maxRetries: 0 }).images.generate(brief));
told.own = (await client.images.generate(brief, { headers: { "x-own": "1" }, query: { a: "b" } })).data.length;
console.log(JSON.stringify(told));
