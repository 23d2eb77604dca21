/** Where in the application's own code a call came from. */

/** Frames of Node and of a client stand above those of the application. */
const FRAMES = 64;
const SHOWN_FRAMES = 8;
const OWN = new URL('.', import.meta.url);
const STRANGER = /\bnode:|[\\/]node_modules[\\/]|<anonymous>|\(native\)|^internal[\\/]/;

/** Costs little until its frames are asked for. */
export function captureCall(): Error {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  const capture = new Error('call');
  Error.stackTraceLimit = limit;
  return capture;
}

/** `function (file:line:column)`, the innermost first; empty where no frame is the application's. */
export function framesOf(capture: Error): readonly string[] {
  const lines = (capture.stack ?? '').split('\n').flatMap((line) => /^\s+at (?:async )?(.+)$/.exec(line)?.[1] ?? []);
  const own = lines.filter((line) => !STRANGER.test(line) && !line.includes(OWN.href) && !line.includes(OWN.pathname));
  return own.slice(0, SHOWN_FRAMES).map((line) => line.replace('file://', ''));
}
