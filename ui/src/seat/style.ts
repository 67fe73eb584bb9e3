// What is loaded late brings its own style (vite.config.ts).
import css from "./seat.css?inline";

const style = new CSSStyleSheet();
style.replaceSync(css);
document.adoptedStyleSheets.push(style);
