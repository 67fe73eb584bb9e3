// Nothing is unreachable, cut, covered or off the side.

/** What is wrong with how a document lies in its window, one sentence each. */
export function geometry(page: Window): string[] {
  const { document } = page;
  const root = document.documentElement;
  const faults: string[] = [];
  const dialog = document.querySelector<HTMLElement>("dialog[open]");
  const scope: HTMLElement = dialog ?? document.body;

  if (root.scrollWidth > page.innerWidth + 1) faults.push(`the page is ${root.scrollWidth} px wide in a window of ${page.innerWidth} px`);
  if (document.querySelectorAll("h1").length !== 1) faults.push("there is not exactly one h1");

  page.scrollTo(0, 0);
  const heading = document.querySelector("h1")?.getBoundingClientRect();
  const bar = document.querySelector("header.top")?.getBoundingClientRect();
  if (heading && bar && heading.top < bar.bottom - 1) faults.push("the heading lies under the top bar and can't be scrolled to");

  // What ends or mutes an interview is there without scrolling, unless letters are too large for that.
  const letters = page.innerWidth / parseFloat(page.getComputedStyle(root).fontSize);
  if (!dialog && letters > 25 && document.querySelector("main[data-screen='interview']")) {
    for (const control of document.querySelectorAll<HTMLElement>(".controls > button")) {
      const { top, bottom } = control.getBoundingClientRect();
      if (top < 0 || bottom > page.innerHeight + 1) faults.push(`${name(control)} is out of sight`);
    }
  }

  // The newest line is the interview for whoever can't hear it.
  const newest = dialog ? null : [...document.querySelectorAll<HTMLElement>(".lines p .said")].at(-1);
  if (newest) {
    newest.scrollIntoView({ block: "end", behavior: "instant" });
    const at = newest.getBoundingClientRect();
    const hit = document.elementFromPoint(at.left + 8, at.bottom - 6);
    if (hit !== newest) faults.push(`the newest line is covered by ${hit ? name(hit) : "nothing"} at ${Math.round(at.bottom)}`);
  }

  for (const control of scope.querySelectorAll<HTMLElement>("button, input, textarea, select, summary, a[href], [tabindex='0']")) {
    if (!control.checkVisibility({ visibilityProperty: true })) continue;
    // As somebody comes to it with the keyboard: no further than it has to be.
    const region = control.matches("section");
    control.scrollIntoView({ block: region ? "start" : "nearest", inline: "nearest", behavior: "instant" });
    // Who clicks on the words beside a box ticks it.
    const target = control.matches("input[type='checkbox']") ? (control.closest("label") ?? control) : control;
    const at = target.getBoundingClientRect();
    if (at.left < -1 || at.right > page.innerWidth + 1) faults.push(`${name(control)} is off the side`);
    if (control.textContent.trim().length > 2 && at.width < 36) faults.push(`${name(control)} is squeezed to ${Math.round(at.width)} px`);
    if (Math.min(at.width, at.height) < 24) faults.push(`${name(control)} is ${at.width} by ${at.height} px`);
    // Of a region that is higher than what is left for it, its beginning.
    const [x, y] = [at.left + at.width / 2, region ? at.top + 8 : at.top + at.height / 2];
    const hit = document.elementFromPoint(x, y);
    if (!hit || !(control.contains(hit) || hit.closest("label")?.contains(control))) {
      faults.push(`${name(control)} is covered by ${hit ? name(hit) : "nothing"} at ${Math.round(x)}, ${Math.round(y)}`);
    }
  }

  for (const element of scope.querySelectorAll<HTMLElement>("*")) {
    if (!element.checkVisibility() || element.closest("svg, select")) continue;
    const style = page.getComputedStyle(element);
    const cuts = (way: string) => way === "hidden" || way === "clip";
    const high = cuts(style.overflowY) && element.scrollHeight > element.clientHeight + 1;
    if (high && !element.matches(".unseen, .what")) faults.push(`${name(element)} cuts off what is in it`);
    const words = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim());
    if (!words || element.closest(".unseen")) continue;
    const wide = cuts(style.overflowX) && element.scrollWidth > element.clientWidth + 1 && style.textOverflow !== "ellipsis";
    if (wide || high) faults.push(`${name(element)} is cut off`);
    // Text that runs out of its box, over what stands beside it.
    if (style.overflowX === "visible" && style.display !== "inline" && element.scrollWidth > element.clientWidth + 2) {
      faults.push(`${name(element)} runs out of its box`);
    }
  }
  page.scrollTo(0, 0);
  return faults;
}

function name(element: Element): string {
  const text = (element.getAttribute("aria-label") ?? element.textContent ?? "").trim().slice(0, 40);
  return `<${element.tagName.toLowerCase()} ${element.className.toString().slice(0, 20)}> "${text}"`;
}
