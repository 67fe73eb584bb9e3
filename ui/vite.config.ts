import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig(({ mode }) => ({
  plugins: [svelte()],
  // Tests run Svelte's browser build in happy-dom.
  resolve: mode === "test" ? { conditions: ["browser"] } : {},
  build: { target: "es2022", modulePreload: { polyfill: false } },
  test: { environment: "happy-dom" },
}));
