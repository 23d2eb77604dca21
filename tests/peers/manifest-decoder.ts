/** Where the program is that reads manifests with the types of Kubernetes, Istio and cert-manager: what `install.ts` built. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { BIN_FOLDER } from './opa-binary.ts';

export const DECODER_SOURCE: string = path.join(import.meta.dirname, 'manifests');
export const DECODER_BINARY: string = path.join(BIN_FOLDER, 'manifest-decoder');

export const manifestDecoder = (): string | undefined => (existsSync(DECODER_BINARY) ? DECODER_BINARY : undefined);

/** For node:test: why tests with it are skipped. In CI they are not, and fail without it. */
export function withoutDecoder(): string | false {
  return manifestDecoder() === undefined && process.env['CI'] !== 'true'
    ? 'the types of Kubernetes are not there'
    : false;
}
