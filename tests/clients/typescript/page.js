// What the page of a browser does with the client; `browse.mjs` calls it.
import { Client, makeMask, toFile } from "imageproof-client";

globalThis.told = async (baseURL, apiKey) => {
  const told = { events: [] };
  try {
    new Client({ baseURL, apiKey });
  } catch (error) {
    told.refused = error.message;
  }
  const client = new Client({ baseURL, apiKey, dangerouslyAllowBrowser: true });
  const { data } = await client.images.generate({ prompt: "a fox", model: "gpt-image-1" });
  const picture = new Image();
  picture.src = await data[0].dataURL();
  await picture.decode();
  document.body.append(picture);
  told.shown = { width: picture.naturalWidth, height: picture.naturalHeight };
  const stream = await client.images.generate({ prompt: "x", model: "gpt-image-1", stream: true, partial_images: 2 });
  for await (const event of stream) told.events.push(event.type);
  const image = await toFile(await data[0].toBytes(), "fox.png");
  const edited = await client.images.edit({ prompt: "snow", model: "gpt-image-1", image });
  told.edited = edited.data[0].format;
  const linked = await client.images.generate({ prompt: "x", model: "dall-e-2", size: "256x256", response_format: "url" });
  await linked.data[0].toBytes();
  told.linked = { format: linked.data[0].format, size: linked.data[0].size };
  const mask = makeMask(linked.data[0], [0, 0, 9, 9]);
  const again = await client.images.edit({ prompt: "x", model: "dall-e-2", size: "256x256", image: fetch(linked.data[0].url), mask });
  told.again = again.data.length;
  told.models = 0;
  for await (const model of client.models.list()) told.models += model.id ? 1 : 0;
  const stop = new AbortController();
  const cut = await client.images.generate({ prompt: "x", model: "gpt-image-1", stream: true, partial_images: 2 }, { signal: stop.signal });
  try {
    for await (const event of cut) if (event.type.endsWith("partial_image")) stop.abort(new Error("enough"));
  } catch (error) {
    told.cut = [error.name, error.cause.message];
  }
  try {
    await client.images.generate({ prompt: "x", model: "gpt-image-1", size: "7x7" }, { validate: "off" });
  } catch (error) {
    Object.assign(told, { status: error.status, param: error.param, id: error.requestID });
  }
  try {
    await client.images.edit({ prompt: "x", image: "fox.png" });
  } catch (error) {
    told.path = error.message;
  }
  return told;
};
