// One state, in the page as it is: `?state=…&language=de&theme=dark&scale=2&size=largest`.
import { FluentBundle } from "@fluent/bundle";
import { mount } from "svelte";

import App from "../src/App.svelte";
import { App as State } from "../src/app.svelte";
import type { Language } from "../src/generated/Language";
import type { TextSize } from "../src/generated/TextSize";
import type { Theme } from "../src/generated/Theme";
import { speak } from "../src/locale.svelte";
import { stateOf } from "./states";

const wish = new URLSearchParams(location.search);
document.documentElement.style.fontSize = `${100 * Number(wish.get("scale") ?? 1)}%`;
const made = stateOf(wish.get("state") ?? "start");
const appearance = {
  language: (wish.get("language") ?? "en") as Language,
  theme: (wish.get("theme") ?? "light") as Theme,
  text_size: (wish.get("size") ?? "usual") as TextSize,
};
const snapshot = { ...made, appearance };
await speak(appearance.language);
if (wish.has("stretched")) {
  // Vowels twice, and with accents: words become longer, not only more.
  const accents: Record<string, string> = { a: "áá", e: "éé", i: "íí", o: "óó", u: "úú" };
  const plain = FluentBundle.prototype.formatPattern;
  FluentBundle.prototype.formatPattern = function (...all) {
    return plain.apply(this, all).replace(/[aeiou]/g, (vowel) => accents[vowel] ?? vowel);
  };
}
// A part that only some windows have is loaded when it is needed: here before it is looked at.
if (snapshot.seat) await import("../src/seat/Seat.svelte");
const app = new State(() => Promise.resolve());
const target = document.getElementById("app");
if (target) {
  mount(App, {
    target,
    props: {
      app,
      listen: (take) => {
        take({ kind: "snapshot", ...snapshot });
        take({ kind: "meters", input: -24, output: snapshot.presence?.state === "speaking" ? -20 : -120 });
        return Promise.resolve();
      },
    },
  });
}
// It looks at the document that it runs in.
if (wish.has("axe")) Object.assign(window, { axe: (await import("axe-core")).default });
// Otherwise what is measured is the typeface that stands in for ours.
await Promise.all(["1rem", "bold 1rem"].map((size) => document.fonts.load(`${size} "Atkinson Hyperlegible Next"`)));
void document.fonts.ready.then(() => requestAnimationFrame(() => requestAnimationFrame(() => (document.documentElement.dataset.ready = "yes"))));
