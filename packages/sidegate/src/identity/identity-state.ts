/** What an identity directory keeps beside its certificates: which trust bundle it has, and those of other trust domains. */
import type { Loaded, ReadFile } from './key-pair.ts';

export interface IdentityState {
  readonly sequence: number;
  readonly refreshHintSeconds: number;
  /** Ids of the authorities that sign now; absent: not told. */
  readonly signing?: readonly string[] | undefined;
  /** PEM, by trust domain. */
  readonly federated: Readonly<Record<string, string>>;
}

export const writeIdentityState = (state: IdentityState): string => `${JSON.stringify(state)}\n`;

/**
 * @param text that {@link writeIdentityState} wrote, this version's or an earlier one's
 * @throws SyntaxError
 */
export function readIdentityState(text: string): IdentityState {
  return { federated: {}, ...(JSON.parse(text) as Omit<IdentityState, 'federated'>) };
}

export function loadIdentityState(file: string, readFile: ReadFile): Loaded<IdentityState> {
  try {
    return { ok: true, value: readIdentityState(readFile(file).text) };
  } catch {
    return {
      ok: false,
      findings: [{ file, message: 'is not there, or damaged', hint: 'enrol with another join token' }],
    };
  }
}
