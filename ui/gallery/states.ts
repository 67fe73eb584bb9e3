// What hangs in the gallery: the client made it (`crates/client/tests/gallery.rs`).
import type { Snapshot } from "../src/generated/Snapshot";
import made from "../src/generated/states.json";

export const states = made as unknown as { name: string; snapshot: Snapshot }[];

export function stateOf(name: string): Snapshot {
  const found = states.find((state) => state.name === name);
  if (!found) throw new Error(`there is no state ${name}`);
  return found.snapshot;
}
