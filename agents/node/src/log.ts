// What an operator should know, as lines on stderr: livekit-agents' own logger is not there in the sentinel.

function say(level: string, what: string): void {
  process.stderr.write(`${new Date().toISOString()} ${level} adjourn-agent: ${what}\n`);
}

/** Says it, once each time that it happens. */
export const log = {
  info: (what: string): void => say("INFO", what),
  warn: (what: string): void => say("WARN", what),
  error: (what: string): void => say("ERROR", what),
};

/** An error in a few words. */
export function inWords(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
