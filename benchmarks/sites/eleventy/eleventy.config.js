// Eleventy's settings: the same pages, with Markdown read as Markdown and not as a template first.
import highlight from "@11ty/eleventy-plugin-syntaxhighlight";
import { dateToRfc3339 } from "@11ty/eleventy-plugin-rss";
import markdownIt from "markdown-it";
import anchor from "markdown-it-anchor";
import footnote from "markdown-it-footnote";

const PER_PAGE = 10;
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
  "November", "December"];

function pages(posts) {
  const count = Math.ceil(posts.length / PER_PAGE);
  return Array.from({ length: count }, (_, index) => ({
    number: index + 1, count, posts: posts.slice(index * PER_PAGE, (index + 1) * PER_PAGE),
  }));
}

function newest(api) {
  return api.getFilteredByGlob("posts/*.md").reverse();
}

function byTag(api) {
  const found = new Map();
  for (const post of newest(api)) {
    for (const tag of post.data.tags) {
      if (!found.has(tag)) found.set(tag, []);
      found.get(tag).push(post);
    }
  }
  return [...found].sort(([one], [other]) => (one < other ? -1 : 1));
}

export default function (config) {
  config.addPlugin(highlight);
  config.setLibrary("md", markdownIt({ html: true, typographer: true }).use(footnote).use(anchor));
  config.addPassthroughCopy("style.css");
  config.addCollection("newest", newest);
  config.addCollection("newestPages", (api) => pages(newest(api)));
  config.addCollection("everyTag", (api) => byTag(api).map(([tag, posts]) => ({ tag, count: posts.length })));
  config.addCollection("tagPages", (api) =>
    byTag(api).flatMap(([tag, posts]) => pages(posts).map((page) => ({ tag, ...page }))));
  config.addFilter("iso", (date) => date.toISOString().slice(0, 10));
  config.addFilter("rfc3339", dateToRfc3339);
  config.addFilter("long", (date) => `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`);
  config.addFilter("summary", (html) => html.slice(0, html.indexOf("</p>") + 4));
  config.addFilter("first", (posts, count) => posts.slice(0, count));
  return {
    markdownTemplateEngine: false,
    dir: { input: ".", output: "public", includes: "_includes" },
  };
}
