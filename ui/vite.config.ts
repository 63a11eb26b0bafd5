/**
 * Two builds of one UI. `npm run build` makes `dist`, which the desktop shell and `syncdeckctl serve` embed.
 * `vite --mode harness` serves or builds the same screens over a made-up host for looking at them and for browser tests;
 * its entry is another HTML file, so nothing of it can reach `dist` (a test reads `dist` to prove it).
 */
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig(({ mode }) => {
  const harness = mode === "harness";
  return {
    plugins: [react()],
    base: "./",
    resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
    server: { port: 1420, strictPort: true, host: "127.0.0.1" },
    build: {
      target: "es2022",
      // Nothing is inlined as data: the content policy allows that for our own SVG icons only.
      assetsInlineLimit: 0,
      outDir: harness ? "dist-harness" : "dist",
      chunkSizeWarningLimit: 1500,
      rollupOptions: { input: harness ? "harness.html" : "index.html" },
    },
  };
});
