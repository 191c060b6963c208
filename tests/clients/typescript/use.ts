// What a program may write, and what its compiler must refuse.
import OpenAI, { APIError, type ImageGenerationEvent, type ImagesResponse, toFile } from "./client/types/index.js";

const client = new OpenAI({ apiKey: "sk-x", timeout: 1000, maxRetries: 0 });

export async function whole(): Promise<ImagesResponse> {
  const answer = await client.images.generate({ prompt: "x", model: "gpt-image-1", size: "auto", stream: false });
  const id: string | null | undefined = answer._request_id;
  const bytes: Uint8Array | undefined = await answer.data[0]?.toBytes();
  console.log(id, bytes, answer.data[0]?.size?.width, answer.usage?.total_tokens);
  return answer;
}

export async function streamed(): Promise<ImageGenerationEvent> {
  const stream = await client.images.generate({ prompt: "x", stream: true, partial_images: 2 }, { signal: AbortSignal.timeout(9) });
  for await (const event of stream) {
    if (event.type === "image_generation.partial_image") console.log(event.partial_image_index);
    else console.log(event.usage.total_tokens);
    // @ts-expect-error -- a completed event has no number
    console.log(event.partial_image_index);
  }
  for (const event of stream.finished) console.log(event.usage.total_tokens);
  for await (const event of stream.partialImages()) console.log(event.partial_image_index);
  // @ts-expect-error -- what is finished has no number
  console.log((await stream.finalImage()).partial_image_index);
  return stream.finalImage();
}

export async function listed(): Promise<string[]> {
  const names: string[] = [];
  for await (const model of client.models.list()) names.push(model.id);
  for await (const model of await client.models.list()) names.push(model.id);
  return names;
}

export async function either(stream: boolean): Promise<void> {
  const answer = await client.images.generate({ prompt: "x", stream });
  // @ts-expect-error -- it may be a stream
  console.log(answer.data);
}

export async function files(form: Blob, bytes: Uint8Array, response: Response): Promise<void> {
  await client.images.edit({ prompt: "x", image: form });
  await client.images.edit({ prompt: "x", image: [bytes, "path.png", response.body ?? bytes, await toFile(bytes, "a.png")] });
  await client.images.edit({ prompt: "x", images: [{ image_url: "https://example.com/a.png" }] });
  await client.images.createVariation({ image: response, n: null, size: "256x256" });
  await client.images.edit({ prompt: "x", image: [fetch("https://example.com/a.png"), toFile(bytes)], stream: true });
  await client.images.edit({ prompt: "x", images: [{ file_id: "f" }], mask: "mask.png" });
  // @ts-expect-error -- a number is no file
  await client.images.edit({ prompt: "x", image: 1 });
  // @ts-expect-error -- there is nothing to edit
  await client.images.edit({ prompt: "x" });
  // @ts-expect-error -- files or references
  await client.images.edit({ prompt: "x", image: form, images: [{ file_id: "f" }] });
  await client.images.edit({ prompt: "x", images: [{ file_id: "f" }], mask: { file_id: "m" } });
  await client.images.edit({ prompt: "x", image: form, mask: form, markup: null });
  // @ts-expect-error -- a reference beside a file
  await client.images.edit({ prompt: "x", image: form, mask: { file_id: "m" } });
  // @ts-expect-error -- a reference to nothing
  await client.images.edit({ prompt: "x", images: [{}] });
  // @ts-expect-error -- a reference to two things
  await client.images.edit({ prompt: "x", images: [{ file_id: "f", image_url: "https://example.com/a.png" }] });
  // @ts-expect-error -- a reference is no file
  await client.images.edit({ prompt: "x", image: { image_url: "https://example.com/a.png" } });
}

// @ts-expect-error -- what it shows is missing
void client.images.generate({ model: "gpt-image-1" });
// @ts-expect-error -- misspelt
void client.images.generate({ prompt: "x", quallity: "high" });
void client.images.generate({ prompt: "x", model: "of-tomorrow", size: "7x7" }); // other values are legal
void client.models.retrieve("gpt-image-1").then((model) => model.owned_by);
void client.withOptions({ validate: "error" }).images.generate({ prompt: "x" }).asResponse();

export function told(error: unknown): string {
  if (error instanceof OpenAI.RateLimitError || error instanceof APIError) return `${error.status} ${error.code}`;
  return "";
}
