/** Seconds as m:ss, or h:mm:ss from an hour on. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** dBFS on a scale of 0 to 1 that looks even to the ear: -60 dB is empty, -6 dB is full. */
export function fill(dbfs: number): number {
  return Math.min(1, Math.max(0, (dbfs + 60) / 54));
}
