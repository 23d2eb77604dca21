/** What of an HTTP message can be signed: the message as it was on the wire, before anything is decoded. */

/** In the order received; a name may come more than once and in any case. */
export type FieldLines = readonly (readonly [name: string, value: string])[];

export interface SignedRequest {
  readonly method: string;
  /** `https` or `http`: how the caller reached us, not what a proxy speaks behind us. */
  readonly scheme: string;
  /** The host the caller named: `Host` or `:authority`. */
  readonly authority: string;
  /** The request target, percent-encoding untouched. */
  readonly target: string;
  readonly headers: FieldLines;
  readonly trailers?: FieldLines;
}

export interface SignedResponse {
  readonly status: number;
  readonly headers: FieldLines;
  readonly trailers?: FieldLines;
  /** What was asked; components with `req` are taken from it. */
  readonly request?: SignedRequest;
}

export type SignedMessage = SignedRequest | SignedResponse;

export function isResponse(message: SignedMessage): message is SignedResponse {
  return 'status' in message;
}

/** The values of one field, in order; `name` in lower case. */
export function valuesOf(lines: FieldLines, name: string): string[] {
  return lines.filter(([own]) => own.toLowerCase() === name).map(([, value]) => value);
}
