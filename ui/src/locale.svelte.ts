// Every sentence, out of the catalogue that the terminal has too.
import { FluentBundle, FluentResource, type FluentVariable } from "@fluent/bundle";

import client from "../locales/en/client.ftl?raw";
import own from "../locales/en/window.ftl?raw";
import type { Language } from "./generated/Language";
import type { Message } from "./generated/Message";

/** How a language is written, and what it calls itself. */
export const LANGUAGES: Record<Language, { name: string; direction: "ltr" | "rtl" }> = {
  en: { name: "English", direction: "ltr" },
  de: { name: "Deutsch", direction: "ltr" },
  es: { name: "Español", direction: "ltr" },
  fr: { name: "Français", direction: "ltr" },
  ar: { name: "العربية", direction: "rtl" },
};

/** A language with the digits 0 to 9, which clocks and receipts have everywhere. */
const withDigits = (language: Language) => `${language}-u-nu-latn`;

// Loaded when it is spoken.
const others = import.meta.glob<string>(["../locales/*/{client,window}.ftl", "!../locales/en/*"], { query: "?raw", import: "default" });

/** Sentences of a language. */
export function bundleOf(language: Language, texts: string[]): FluentBundle {
  const bundle = new FluentBundle(withDigits(language));
  for (const text of texts) {
    const mistakes = bundle.addResource(new FluentResource(text));
    if (mistakes.length > 0) console.error("the catalogue says something twice", mistakes);
  }
  return bundle;
}

const english = bundleOf("en", [client, own]);
const loaded = new Map<Language, FluentBundle>([["en", english]]);
let wanted: Language = "en";
let now = $state.raw<{ language: Language; bundle: FluentBundle }>({ language: "en", bundle: english });

// What a part of the program says besides, or in other words.
let besides = $state.raw<(language: Language) => FluentBundle | undefined>(() => undefined);

/** Has a part's own sentences from now on: before those of every window. */
export function alsoSay(words: typeof besides): void {
  besides = words;
}

/** The language that is spoken. */
export function spoken(): Language {
  return now.language;
}

/** Speaks a language from now on, as soon as its sentences are there. */
export async function speak(language: Language): Promise<void> {
  if (wanted === language) return;
  wanted = language;
  let bundle = loaded.get(language);
  if (!bundle) {
    const texts = ["client", "window"].map((file) => others[`../locales/${language}/${file}.ftl`]?.());
    bundle = bundleOf(language, (await Promise.all(texts)).filter((text) => text !== undefined));
    loaded.set(language, bundle);
  }
  // Another one may have been chosen meanwhile.
  if (wanted === language) now = { language, bundle };
}

/** A sentence of the window's own, by its name. */
export function say(id: string, args: Record<string, FluentVariable> = {}): string {
  // What a language lacks is said in English: better than nothing.
  const bundle = [besides(now.language), now.bundle, english].find((bundle) => bundle?.getMessage(id)?.value);
  const pattern = bundle?.getMessage(id)?.value;
  if (!bundle || !pattern) {
    console.error("the catalogue lacks a sentence", id);
    return id;
  }
  const mistakes: Error[] = [];
  const text = bundle.formatPattern(pattern, args, mistakes);
  if (mistakes.length > 0) console.error("a sentence lacks something", id, mistakes);
  return text;
}

/** What the client tells. */
export function tell(message: Message): string {
  return say(message.id, "args" in message ? message.args : {});
}

const MOMENTS = { date: { dateStyle: "long", timeStyle: "short" }, time: { timeStyle: "medium" }, minute: { timeStyle: "short" } } as const;

/** A moment as a date with a time, or as a time to the second, or to the minute. */
export function moment(at: string | Date, kind: keyof typeof MOMENTS): string {
  return new Intl.DateTimeFormat(withDigits(now.language), MOMENTS[kind]).format(new Date(at));
}
