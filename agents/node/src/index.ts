/** An interviewer's report always arrives, and its end is said.
 *
 * What comes in: the job's metadata (where to report, with a token for this interview only), the session's events. What goes out:
 * each turn as it is said, the report when the session closes, the word "it is over" to the candidate's client. What never happens
 * here: an exception that reaches the interview; a report that is dropped while the disk can be written. */
export { attach, judge, type Options, sessionEnd } from "./attach.js";
export { history, replaces } from "./history.js";
export { Spool } from "./spool.js";
export { Target } from "./target.js";
