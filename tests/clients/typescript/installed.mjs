// A program of a user's: what is in the environment, one picture saved, edited by its path, and the models.
import { Client } from "imageproof-client";

const client = new Client();
const answer = await client.images.generate({ prompt: "a fox", model: "gpt-image-1", output_format: "webp" });
const [image] = answer.data;
const saved = await image.save("fox");
const edited = await client.images.edit({ prompt: "snow", model: "gpt-image-1", image: saved });
const models = await client.models.list();
const { format, width, height } = image.picture;
const known = models.data.some((one) => one.id === "gpt-image-1");
console.log(JSON.stringify({ saved, format, width, height, edited: edited.data.length, models: known }));
