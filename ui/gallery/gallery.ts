// Every state beside the other ones, for a person; and `examine`, for a test.
import type axe from "axe-core";

import { geometry } from "./geometry";
import { states } from "./states";

interface Wish {
  state: string;
  width: number;
  height: number;
  theme: "light" | "dark";
  language?: string;
  /** Sentences are longer than they are. */
  stretched?: boolean;
  /** Root font size, 2 for 200 %. */
  scale: number;
  /** A button that is pressed first, and opens something. */
  press?: string | null;
  /** Size of captions. */
  size?: string;
}

async function frame(wish: Wish, accessibility = false): Promise<HTMLIFrameElement> {
  const made = document.createElement("iframe");
  made.width = String(wish.width);
  made.height = String(wish.height);
  made.title = wish.state;
  const { state, theme, scale, size = "usual", language = "en", stretched } = wish;
  const query = new URLSearchParams({ state, theme, scale: String(scale), size, language });
  if (stretched) query.set("stretched", "yes");
  if (accessibility) query.set("axe", "yes");
  made.src = `./frame.html?${query}`;
  document.body.append(made);
  await new Promise((loaded) => made.addEventListener("load", loaded, { once: true }));
  while (made.contentDocument?.documentElement.dataset.ready !== "yes") await new Promise((soon) => setTimeout(soon, 10));
  return made;
}

/** What is wrong with a state: how it lies, and (if asked) what axe says. `planted`: markup that is put into it first. */
async function examine(wish: Wish, accessibility: boolean, planted = ""): Promise<string[]> {
  document.body.replaceChildren();
  const shown = await frame(wish, accessibility);
  const page = shown.contentWindow;
  if (!page) return ["there is no page"];
  page.document.querySelector("main")?.insertAdjacentHTML("beforeend", planted);
  // What is folded is looked at, too.
  page.document.querySelectorAll("details").forEach((folded) => (folded.open = true));
  if (wish.press) {
    [...page.document.querySelectorAll("button")].find((button) => button.textContent.trim() === wish.press)?.click();
    await new Promise((soon) => setTimeout(soon, 50));
    if (!page.document.querySelector("dialog[open]")) return [`${wish.press} opens nothing`];
  }
  const faults = geometry(page);
  if (accessibility) {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const inside = page as Window & { axe?: typeof axe };
    const found = await inside.axe?.run(page.document, { runOnly: tags, resultTypes: ["violations"] });
    if (!found) faults.push("axe did not run");
    for (const { id, nodes } of found?.violations ?? []) {
      faults.push(`axe, ${id}: ${nodes.map((node) => `${node.target.join(" ")} (${node.failureSummary ?? ""})`).join("; ").slice(0, 600)}`);
    }
  }
  return faults;
}

let shows = 0;

/** Shows one state alone, for a picture or a screen reader, with markup put into it. Gives the name of what is shown. */
async function show(wish: Wish, planted = ""): Promise<string> {
  document.body.replaceChildren();
  document.body.style.margin = "0";
  const shown = await frame(wish);
  shown.style.border = "0";
  shown.contentDocument?.querySelector("main")?.insertAdjacentHTML("beforeend", planted);
  // Known by this from what was shown before.
  shown.title = `${wish.state} ${(shows += 1)}`;
  return shown.title;
}

Object.assign(window, { examine, show, states: states.map((state) => state.name) });

async function hang(): Promise<void> {
  for (const { name } of states) {
    const made = await frame({ state: name, width: 960, height: 720, theme: "light", scale: 1 });
    const figure = document.createElement("figure");
    const words = document.createElement("figcaption");
    words.textContent = name;
    made.replaceWith(figure);
    figure.append(words, made);
  }
}
if (!new URLSearchParams(location.search).has("test")) void hang();
