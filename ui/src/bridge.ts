// The only way between the window and the program: one channel in, one command out.
import { Channel, invoke } from "@tauri-apps/api/core";

import type { Command } from "./generated/Command";
import type { Diagnostics } from "./generated/Diagnostics";
import type { Meters } from "./generated/Meters";
import type { Snapshot } from "./generated/Snapshot";

export type Message = ({ kind: "snapshot" } & Snapshot) | ({ kind: "meters" } & Meters) | ({ kind: "diagnostics" } & Diagnostics);

/** Listens first, then asks: the program answers with the snapshot of now. */
export async function subscribe(listen: (message: Message) => void): Promise<void> {
  const channel = new Channel<Message>();
  channel.onmessage = listen;
  await invoke("subscribe", { channel });
}

export async function order(command: Command): Promise<void> {
  await invoke("order", { command });
}
