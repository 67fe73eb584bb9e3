// Every state of the window, to look at and to examine; nothing of it goes into the program.
import { resolve } from "node:path";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

import { catalogues } from "./catalogues";

export default defineConfig({
  root: "gallery",
  base: "./",
  plugins: [svelte(), catalogues],
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    outDir: "../gallery-dist",
    emptyOutDir: true,
    chunkSizeWarningLimit: 2000,
    rollupOptions: { input: [resolve("gallery/index.html"), resolve("gallery/frame.html")] },
  },
});
