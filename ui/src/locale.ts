// Every sentence, out of the catalogue that the terminal has too.
import { FluentBundle, FluentResource, type FluentVariable } from "@fluent/bundle";

import client from "../locales/en/client.ftl?raw";
import own from "../locales/en/window.ftl?raw";
import type { Message } from "./generated/Message";

const bundle = new FluentBundle("en");
for (const resource of [client, own]) {
  const mistakes = bundle.addResource(new FluentResource(resource));
  if (mistakes.length > 0) console.error("the catalogue says something twice", mistakes);
}

/** A sentence of the window's own, by its name. */
export function say(id: string, args: Record<string, FluentVariable> = {}): string {
  const pattern = bundle.getMessage(id)?.value;
  if (!pattern) {
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
