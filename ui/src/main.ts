import { mount } from "svelte";

import App from "./App.svelte";

// A webview's own menu offers to load the page again; to copy what is selected, or typed, it stays.
window.addEventListener("contextmenu", (event) => {
  const writing = event.target instanceof Element && event.target.closest("input, textarea");
  if (!writing && document.getSelection()?.isCollapsed !== false) event.preventDefault();
});

const target = document.getElementById("app");
if (target) {
  target.replaceChildren();
  mount(App, { target });
}
