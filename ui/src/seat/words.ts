// What a seat says besides, and what it says in other words than a window that somebody can close.
import type { FluentBundle } from "@fluent/bundle";

import type { Language } from "../generated/Language";
import { alsoSay, bundleOf } from "../locale.svelte";

const texts = import.meta.glob<string>("../../locales/*/seat.ftl", { query: "?raw", import: "default", eager: true });
const bundles = new Map<string, FluentBundle>(
  Object.entries(texts).map(([path, text]) => {
    const language = path.split("/").at(-2) as Language;
    return [language, bundleOf(language, [text])];
  }),
);
alsoSay((language) => bundles.get(language) ?? bundles.get("en"));
