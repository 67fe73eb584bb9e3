// What a seat says besides, and what it says in other words than a window that somebody can close.
import { FluentBundle, FluentResource } from "@fluent/bundle";

import { alsoSay } from "../locale.svelte";

const texts = import.meta.glob<string>("../../locales/*/seat.ftl", { query: "?raw", import: "default", eager: true });
const bundles = new Map(
  Object.entries(texts).map(([path, text]) => {
    const language = path.split("/").at(-2) ?? "en";
    const bundle = new FluentBundle(`${language}-u-nu-latn`);
    const mistakes = bundle.addResource(new FluentResource(text));
    if (mistakes.length > 0) console.error("a seat's sentences are damaged", mistakes);
    return [language, bundle] as const;
  }),
);
alsoSay((language) => bundles.get(language) ?? bundles.get("en"));
