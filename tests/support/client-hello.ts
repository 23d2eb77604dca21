/** The first bytes of a TLS 1.2 handshake, RFC 5246, with whatever names no honest library would send. */

export interface ClientHelloOptions {
  /** `server_name` entries of RFC 6066, as they are; absent: no extension. */
  readonly serverNames?: readonly (string | Buffer)[];
  /** Absent: no extension. */
  readonly protocols?: readonly string[];
}

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const CERTIFICATE = 11;
/** ECDHE with AES-128-GCM, for ECDSA and for RSA. */
const CIPHERS = Buffer.from('c02bc02f', 'hex');
const P256 = Buffer.from('0017', 'hex');
const SIGNATURE_ALGORITHMS = Buffer.from('040308040401', 'hex');

export function clientHello({ serverNames, protocols }: ClientHelloOptions = {}): Buffer {
  const extensions = [
    extension(10, sized(2, P256)),
    extension(11, Buffer.from([1, 0])),
    extension(13, sized(2, SIGNATURE_ALGORITHMS)),
    ...(serverNames === undefined ? [] : [extension(0, sized(2, ...serverNames.map(serverName)))]),
    ...(protocols === undefined
      ? []
      : [extension(16, sized(2, ...protocols.map((name) => sized(1, Buffer.from(name, 'latin1')))))]),
  ];
  const random = Buffer.alloc(32, 7);
  return record(
    message(
      CLIENT_HELLO,
      Buffer.from([3, 3]),
      random,
      sized(1),
      sized(2, CIPHERS),
      sized(1, Buffer.from([0])),
      sized(2, ...extensions),
    ),
  );
}

/** The client's certificates, which TLS 1.2 sends for everybody to read. */
export function certificateMessage(certificates: readonly Buffer[]): Buffer {
  return record(message(CERTIFICATE, sized(3, ...certificates.map((der) => sized(3, der)))));
}

function serverName(name: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from([0]), sized(2, typeof name === 'string' ? Buffer.from(name, 'latin1') : name)]);
}

function extension(type: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0, type]), sized(2, content)]);
}

function message(type: number, ...contents: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([type]), sized(3, ...contents)]);
}

function record(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([HANDSHAKE, 3, 1]), sized(2, content)]);
}

/** Contents behind their length, in so many bytes. */
function sized(lengthBytes: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(content.length, 0, lengthBytes);
  return Buffer.concat([length, content]);
}
