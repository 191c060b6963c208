// A program of a user's, as every compiler that is promised must take it.
import OpenAI, { APIError, ListPromise, OpenAIError, Stream, toFile } from "imageproof-client";
import type { Bytes, ImageGenerationCompletedEvent, ImagesResponse } from "imageproof-client";

const client = new OpenAI({ apiKey: async () => "x", baseURL: new URL("https://h/v1"), fetchOptions: { dispatcher: {} } });
const answer: ImagesResponse = await client.images.generate({ prompt: "x", model: "gpt-image-1", size: "7x7" });
const bytes: Bytes | undefined = await answer.data[0]?.toBytes();
if (bytes) console.log(new Blob([bytes]).size, bytes.length);
for await (const model of client.models.list()) console.log(model.id);
for await (const model of await client.models.list()) console.log(model.owned_by);
const stream = await client.images.generate({ prompt: "x", stream: true });
for await (const event of stream) if (event.type === "image_generation.completed") console.log(event.usage.total_tokens);
for await (const event of stream.partialImages()) console.log(event.partial_image_index);
const last: ImageGenerationCompletedEvent = await stream.finalImage();
await client.images.edit({ prompt: "x", image: [toFile(new Uint8Array(3)), new Response()], mask: "mask.png" });
try {
  await last.save("x");
} catch (error) {
  if (error instanceof OpenAIError) console.log(error.cause);
  if (error instanceof APIError) await error.finished[0]?.save("x");
  console.log(error instanceof OpenAI.RateLimitError, error instanceof OpenAI.OpenAIError);
}
console.log(stream instanceof Stream, client.models.list() instanceof ListPromise);
