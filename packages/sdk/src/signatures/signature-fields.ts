/** The fields `Signature-Input` and `Signature`, RFC 9421 section 4: labels, what each covers, and its parameters. */
import { type BareItem, type InnerList, isInnerList } from 'structured-headers';
import { Problem } from '../problem.ts';
import { type Component, readComponent } from './component.ts';
import { type FieldLines, valuesOf } from './message.ts';
import { readDictionary } from './structured-fields.ts';

export interface SignatureParameters {
  /** Seconds since the Unix epoch. */
  readonly created?: number;
  readonly expires?: number;
  readonly nonce?: string;
  readonly alg?: string;
  readonly keyid?: string;
  readonly tag?: string;
}

export interface SignatureInput {
  readonly label: string;
  readonly components: readonly Component[];
  readonly parameters: SignatureParameters;
  /** As parsed, so that it is signed in the order in which it was sent. */
  readonly list: InnerList;
  readonly signature: Buffer;
}

const MAX_SIGNATURES = 8;
const MAX_COMPONENTS = 64;
const MAX_TEXT_LENGTH = 512;

const PARAMETERS: Readonly<Record<string, 'number' | 'string'>> = {
  created: 'number',
  expires: 'number',
  nonce: 'string',
  alg: 'string',
  keyid: 'string',
  tag: 'string',
};

/** @throws Problem `invalid_request`, `signature_invalid`, `signature_timestamp` */
export function readSignatures(headers: FieldLines): SignatureInput[] {
  const inputs = readDictionary(valuesOf(headers, 'signature-input').join(', '), 'Signature-Input');
  const signatures = readDictionary(valuesOf(headers, 'signature').join(', '), 'Signature');
  if (inputs.size > MAX_SIGNATURES) throw refused(`more than ${MAX_SIGNATURES} signatures`);
  if (inputs.size !== signatures.size) throw refused('Signature and Signature-Input name different labels');
  return [...inputs].map(([label, list]) => {
    const signature = signatures.get(label)?.[0];
    if (signature === undefined) throw refused('Signature and Signature-Input name different labels');
    if (!(signature instanceof ArrayBuffer)) throw refused('a signature is not a byte sequence');
    if (!isInnerList(list)) throw refused('a member of Signature-Input is not an inner list');
    return {
      label,
      components: readComponents(list),
      parameters: readParameters(list),
      list,
      signature: Buffer.from(signature),
    };
  });
}

function readComponents([items]: InnerList): Component[] {
  if (items.length > MAX_COMPONENTS) throw refused(`a signature covers more than ${MAX_COMPONENTS} components`);
  const components = items.map(readComponent);
  if (new Set(components.map(({ identity }) => identity)).size !== components.length) {
    throw refused('a signature covers a component twice');
  }
  return components;
}

/** Unknown parameters are signed like the others and otherwise without meaning, RFC 9421 section 2.3. */
function readParameters([, parameters]: InnerList): SignatureParameters {
  const known = [...parameters].filter(([name]) => Object.hasOwn(PARAMETERS, name));
  for (const [name, value] of known) {
    const isTime = PARAMETERS[name] === 'number';
    if (isTime && !isSeconds(value)) throw new Problem('signature_timestamp', `${name} is not a number of seconds`);
    if (!isTime && typeof value !== 'string') throw refused(`${name} is not a string`);
    if (typeof value === 'string' && value.length > MAX_TEXT_LENGTH) throw refused(`${name} is too long`);
  }
  return Object.fromEntries(known);
}

function isSeconds(value: BareItem): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function refused(reason: string): Problem {
  return new Problem('signature_invalid', reason);
}
