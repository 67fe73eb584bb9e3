"""What a screen reader is told of the page in a browser, by AT-SPI: for each line of standard input a line of JSON. For an empty line
that is the page; for another one, whether there was a button of that name to press.

A node is ``{"role", "name", "text", "level", "states", "children"}``; ``text`` is a paragraph's, ``level`` a heading's. Needs the session bus (DBUS_SESSION_BUS_ADDRESS) that knows the
accessibility bus.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

# The states that a person is told of.
TOLD = {
    Atspi.StateType.CHECKED: "checked",
    Atspi.StateType.PRESSED: "pressed",
    Atspi.StateType.FOCUSABLE: "focusable",
    Atspi.StateType.FOCUSED: "focused",
    Atspi.StateType.EXPANDED: "expanded",
    Atspi.StateType.REQUIRED: "required",
    Atspi.StateType.INVALID_ENTRY: "invalid",
    Atspi.StateType.MODAL: "modal",
    Atspi.StateType.ENABLED: "enabled",
}
# Nothing is so deep; a tree that goes round would never end.
DEEPEST = 60


def tree(node: Atspi.Accessible, depth: int = 0) -> dict[str, Any]:
    states = node.get_state_set()
    told = [word for state, word in TOLD.items() if states.contains(state)]
    level = (node.get_attributes() or {}).get("level")
    text = Atspi.Text.get_text(node, 0, -1) if node.get_role_name() == "paragraph" else ""
    children = [node.get_child_at_index(n) for n in range(node.get_child_count())] if depth < DEEPEST else []
    return {
        "role": node.get_role_name(),
        "name": node.get_name() or "",
        "text": text,
        "level": int(level) if level else None,
        "states": told,
        "children": [tree(child, depth + 1) for child in children if child],
    }


def documents(node: Atspi.Accessible, depth: int = 0) -> list[Atspi.Accessible]:
    """Every page that is shown, the innermost last."""
    found = [node] if node.get_role() == Atspi.Role.DOCUMENT_WEB else []
    for n in range(node.get_child_count() if depth < DEEPEST else 0):
        child = node.get_child_at_index(n)
        if child:
            found += documents(child, depth + 1)
    return found


def shown() -> Atspi.Accessible | None:
    desktop = Atspi.get_desktop(0)
    found: list[Atspi.Accessible] = []
    for n in range(desktop.get_child_count()):
        program = desktop.get_child_at_index(n)
        if program:
            found += documents(program)
    return found[-1] if found else None


def button(node: Atspi.Accessible, name: str, depth: int = 0) -> Atspi.Accessible | None:
    if node.get_role_name() in {"push button", "toggle button", "button"} and (node.get_name() or "").strip() == name:
        return node
    for n in range(node.get_child_count() if depth < DEEPEST else 0):
        child = node.get_child_at_index(n)
        found = button(child, name, depth + 1) if child else None
        if found:
            return found
    return None


def main() -> None:
    Atspi.init()
    for line in sys.stdin:
        # What was told meanwhile is taken in; otherwise what was seen before is seen again.
        while GLib.MainContext.default().iteration(False):
            pass
        Atspi.get_desktop(0).clear_cache()
        name = line.strip()
        try:
            page = shown()
            found = button(page, name) if page and name else None
            answer: object = bool(found and Atspi.Action.do_action(found, 0)) if name else page and tree(page)
        except GLib.GError:
            # What is read may be gone in the middle of it: then there is nothing.
            answer = False if name else None
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
