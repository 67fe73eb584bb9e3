import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

import { catalogues } from "./catalogues";

export default defineConfig(({ mode }) => ({
  plugins: [svelte(), catalogues],
  // Tests run Svelte's browser build in happy-dom.
  resolve: mode === "test" ? { conditions: ["browser"] } : {},
  build: { target: "es2022", modulePreload: { polyfill: false } },
  test: { environment: "happy-dom" },
}));
