// One state, in the page as it is: `?state=…&theme=light|dark&scale=2&size=0…3`.
import { mount } from "svelte";

import App from "../src/App.svelte";
import { App as State } from "../src/app.svelte";
import "../src/style/tokens.css";
import "../src/style/parts.css";
import "../src/style/screens.css";
import { stateOf } from "./states";

const wish = new URLSearchParams(location.search);
document.documentElement.dataset.theme = wish.get("theme") ?? "light";
document.documentElement.style.fontSize = `${100 * Number(wish.get("scale") ?? 1)}%`;
const snapshot = stateOf(wish.get("state") ?? "start");
const app = new State(() => Promise.resolve());
app.textSize = Number(wish.get("size") ?? 1);
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
void document.fonts.ready.then(() => requestAnimationFrame(() => requestAnimationFrame(() => (document.documentElement.dataset.ready = "yes"))));
