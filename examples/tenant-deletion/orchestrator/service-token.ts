/**
 * The orchestrator's own token, from its settings: `SERVICE_TOKEN` when there is one, otherwise one that it makes with the key that it
 * holds. With `SERVICE_TOKEN_FILE` a new token in that file is used without a restart.
 */
import type { Credentials } from '@sidegate/sdk/client';
import { JWTHandler, type JWTHandlerSettings, readSigningKey } from '@sidegate/sdk/service-tokens';
import { type LoadOptions, loadSettings, oneOf, type SettingValues, secret } from '@sidegate/sdk/settings';
import { ORCHESTRATOR } from '../services/topology.ts';

const SETTINGS = {
  serviceToken: secret({ optional: true }),
  /** As `generate-service-token` calls it. */
  tenantDeletionOrchestratorToken: secret({ optional: true }),
  /** HS256 has to be asked for: whoever can verify its tokens can make them. */
  jwtAlgorithm: oneOf(['ES256', 'RS256', 'EdDSA', 'HS256'], { default: 'ES256' }),
  /** PEM. */
  jwtPrivateKey: secret({ optional: true }),
  jwtSecretKey: secret({ optional: true }),
};

/** Renewed when less than this is left. */
const RENEW_BEFORE_SECONDS = 60;

/** Rejects with a SettingsError or a RangeError that names what is missing or malformed; no value is in it. */
export async function orchestratorCredentials(options: LoadOptions = {}): Promise<Credentials> {
  const settings = await loadSettings(SETTINGS, options);
  const { serviceToken, tenantDeletionOrchestratorToken } = settings.values;
  const given = serviceToken ?? tenantDeletionOrchestratorToken;
  if (given !== undefined)
    return credentials(
      () => given.reveal(),
      () => settings.close(),
    );
  settings.close();
  return mintedTokens(new JWTHandler(handlerSettings(settings.values)));
}

function handlerSettings(values: SettingValues<typeof SETTINGS>): JWTHandlerSettings {
  const { jwtAlgorithm, jwtPrivateKey, jwtSecretKey } = values;
  if (jwtAlgorithm === 'HS256') {
    if (jwtSecretKey === undefined)
      throw new RangeError('set SERVICE_TOKEN, or JWT_SECRET_KEY to make tokens with HS256');
    return { legacySharedSecret: true, secretKey: jwtSecretKey.reveal() };
  }
  if (jwtPrivateKey === undefined) {
    throw new RangeError(
      'set SERVICE_TOKEN, or JWT_PRIVATE_KEY_FILE to make tokens; JWT_SECRET_KEY needs JWT_ALGORITHM=HS256',
    );
  }
  const signingKey = readSigningKey(jwtPrivateKey.reveal());
  if (signingKey.algorithm === jwtAlgorithm) return { signingKey };
  throw new RangeError(`JWT_PRIVATE_KEY is for ${signingKey.algorithm}, and JWT_ALGORITHM says ${jwtAlgorithm}`);
}

/** Tokens that the orchestrator signs for itself. */
function mintedTokens(handler: JWTHandler): Credentials {
  let own: { readonly token: string; readonly until: number } | undefined;
  return credentials(() => {
    if (own === undefined || own.until <= Date.now()) {
      const until = Date.now() + (handler.defaultLifetimeSeconds - RENEW_BEFORE_SECONDS) * 1000;
      own = { token: handler.createServiceToken(ORCHESTRATOR), until };
    }
    return own.token;
  });
}

const credentials = (token: () => string, close: () => void = () => {}): Credentials => ({
  kind: 'service_token',
  authorize: async () => ({ authorization: `Bearer ${token()}` }),
  refused: () => {},
  close,
});
