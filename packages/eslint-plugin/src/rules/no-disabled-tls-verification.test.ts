import { testRule } from '../../../../tests/support/rule-cases.ts';
import { noDisabledTlsVerification } from './no-disabled-tls-verification.ts';

const verified = (output: string) => ({ suggestions: [{ messageId: 'verify', output }] });

testRule('no-disabled-tls-verification', noDisabledTlsVerification, {
  wrong: [
    {
      name: 'an agent that rejects nobody',
      code: "import https from 'node:https'; new https.Agent({ rejectUnauthorized: false });",
      errors: [
        {
          messageId: 'unverified',
          ...verified("import https from 'node:https'; new https.Agent({ rejectUnauthorized: true });"),
        },
      ],
    },
    {
      name: 'the switch is a constant',
      code: 'const verify = false;\nconst tls = { rejectUnauthorized: verify };',
      errors: [
        {
          messageId: 'unverified',
          line: 2,
          ...verified('const verify = false;\nconst tls = { rejectUnauthorized: true };'),
        },
      ],
    },
    {
      name: 'switched off after the agent was made',
      code: 'https.globalAgent.options.rejectUnauthorized = !1;',
      errors: [{ messageId: 'unverified', ...verified('https.globalAgent.options.rejectUnauthorized = true;') }],
    },
    {
      name: 'switched on in production only',
      code: "connect({ rejectUnauthorized: process.env.NODE_ENV === 'production' });",
      errors: [{ messageId: 'sometimes', ...verified('connect({ rejectUnauthorized: true });') }],
    },
    {
      name: 'the whole process, by its environment',
      code: "process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';",
      errors: [{ messageId: 'environment' }],
    },
    {
      name: 'a child process, by its environment',
      code: "const off = 0; spawn('node', [], { env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: `${off}` } });",
      errors: [{ messageId: 'environment' }],
    },
    {
      name: 'any name will do',
      code: 'connect({ checkServerIdentity: () => undefined });',
      errors: [{ messageId: 'anyName' }],
    },
    {
      name: 'any name will do, as a method and as a function of the file',
      code: 'const accept = function (host: string) { if (host === "a") { return undefined; } };\nconnect({ checkServerIdentity() {} });\nconnect({ checkServerIdentity: accept });',
      errors: [
        { messageId: 'anyName', line: 2 },
        { messageId: 'anyName', line: 3 },
      ],
    },
    {
      name: 'a version that is broken',
      code: "createServer({ minVersion: 'TLSv1' }); createServer({ secureProtocol: 'TLSv1_1_method' }); connect({ minVersion: 'TLSv1.1' });",
      errors: [
        { messageId: 'oldVersion', data: { name: 'minVersion', version: 'TLSv1' } },
        { messageId: 'oldVersion' },
        { messageId: 'oldVersion' },
      ],
    },
  ],
  right: [
    { name: 'verification as it is', code: "new Agent({ ca: readFileSync('ca.pem'), rejectUnauthorized: true });" },
    {
      name: 'an option that is passed on',
      code: 'function connect(options) { return { rejectUnauthorized: options.verify }; }',
    },
    {
      name: 'reading the variable',
      code: "if (process.env.NODE_TLS_REJECT_UNAUTHORIZED === '0') throw new Error('no');",
    },
    {
      name: 'a stricter check of the name',
      code: "connect({ checkServerIdentity: (host, cert) => checkServerIdentity('payments', cert) });",
    },
    {
      name: 'a check that throws',
      code: 'connect({ checkServerIdentity(host) { if (!known.has(host)) throw new Error(host); } });',
    },
    { name: 'a version that holds', code: "createServer({ minVersion: 'TLSv1.3' });" },
    { name: 'a binding in a pattern is no option', code: 'const { rejectUnauthorized = false } = options;' },
  ],
});
