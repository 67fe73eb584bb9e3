import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

import { catalogues } from "./catalogues";

// What is loaded late is one script without a style of its own: there is nothing to load beforehand, and half a kilobyte of what would do
// that stays out of every window.
const plainImports: Plugin = {
  name: "plain-imports",
  enforce: "pre",
  load: (id) => (id === "\0vite/preload-helper.js" ? "export const __vitePreload = (load) => load();" : null),
};

export default defineConfig(({ mode }) => ({
  plugins: [svelte(), catalogues, plainImports],
  // Tests run Svelte's browser build in happy-dom.
  resolve: mode === "test" ? { conditions: ["browser"] } : {},
  build: { target: "es2022", modulePreload: false },
  test: { environment: "happy-dom" },
}));
