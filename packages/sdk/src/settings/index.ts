/** `@sidegate/sdk/settings`: typed settings from variables, files and Vault, checked before anything starts. */
export { type LoadOptions, loadSettings, type Settings } from './load-settings.ts';
export { Secret } from './secret.ts';
export {
  boolean,
  duration,
  integer,
  oneOf,
  type SecretOptions,
  type Setting,
  type SettingOptions,
  type SettingValues,
  secret,
  string,
  url,
} from './setting.ts';
export { type SettingFinding, SettingsError } from './settings-error.ts';
export { type Vault, type VaultLogin, type VaultOptions, vault } from './vault.ts';
