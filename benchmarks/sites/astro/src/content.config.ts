import { defineCollection, z } from "astro:content";
import { glob } from "astro/loaders";

const schema = z.object({ title: z.string(), date: z.coerce.date(), tags: z.array(z.string()) });

export const collections = {
  posts: defineCollection({ loader: glob({ pattern: "*.md", base: "./src/content/posts" }), schema }),
};
