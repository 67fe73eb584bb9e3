// What of a catalogue goes into the page: neither what is written for people who translate, nor what the page never says.
import type { Plugin } from "vite";

import elsewhere from "./locales/elsewhere.json" with { type: "json" };

const left = new RegExp(`^(#.*|(${elsewhere.join("|")}) = .*)?\\r?\\n`, "gm");

export const catalogues: Plugin = {
  name: "catalogues",
  enforce: "post",
  transform(code, id) {
    if (!id.endsWith(".ftl?raw")) return null;
    const text = JSON.parse(code.replace(/^export default |;?\s*$/g, "")) as string;
    return { code: `export default ${JSON.stringify(text.replace(left, ""))}`, map: null };
  },
};
