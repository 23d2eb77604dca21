import { testRule } from '../../../../tests/support/rule-cases.ts';
import { noUnverifiedJwtDecode } from './no-unverified-jwt-decode.ts';

const decoded = (line?: number) => ({ messageId: 'decoded', ...(line === undefined ? {} : { line }) });

testRule('no-unverified-jwt-decode', noUnverifiedJwtDecode, {
  wrong: [
    {
      name: "Nest's service",
      code: "import { JwtService } from '@nestjs/jwt';\nclass A { constructor(private readonly jwt: JwtService) {}\n tenant(token: string) { return this.jwt.decode(token).tenant; } }",
      errors: [decoded(3)],
    },
    {
      name: 'jose',
      code: "import { decodeJwt as claims } from 'jose';\nconst { sub } = claims(token);",
      errors: [decoded(2)],
    },
    {
      name: 'jsonwebtoken',
      code: "import jwt from 'jsonwebtoken';\nconst claims = jwt.decode(token, { complete: true });",
      errors: [decoded(2)],
    },
    {
      name: 'jwt-decode, both of its generations',
      code: "import decode from 'jwt-decode';\nimport { jwtDecode } from 'jwt-decode';\ndecode(token); jwtDecode(token);",
      errors: [decoded(3), decoded(3)],
    },
    {
      name: 'by hand, in one line',
      code: "JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());",
      errors: [decoded()],
    },
    {
      name: 'by hand, for browsers',
      code: "JSON.parse(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')));",
      errors: [decoded()],
    },
    {
      name: 'by hand, in steps',
      code: "const parts = token.split('.');\nconst payload = parts[1];\nconst json = Buffer.from(payload, 'base64').toString('utf8');\nconst claims = JSON.parse(json);",
      errors: [decoded(4)],
    },
    {
      name: 'by hand, by a pattern',
      code: "const [header, payload, signature] = token.split('.');\nJSON.parse(new TextDecoder().decode(Buffer.from(payload, 'base64url')));",
      errors: [decoded(2)],
    },
    {
      name: 'another token is verified beside it',
      code: "import { decodeJwt, jwtVerify } from 'jose';\nasync function a(first, second) { await jwtVerify(first, keys, options); return decodeJwt(second).sub; }",
      errors: [decoded(2)],
    },
  ],
  right: [
    {
      name: 'the issuer first, then the signature',
      code: "import { decodeJwt, jwtVerify } from 'jose';\nasync function a(token) { const { iss } = decodeJwt(token); const { payload } = await jwtVerify(token, keysOf(iss), options); return payload; }",
    },
    {
      name: 'the header of the token',
      code: "import { decodeProtectedHeader } from 'jose';\ndecodeProtectedHeader(token).kid;\nJSON.parse(Buffer.from(token.split('.')[0], 'base64url').toString()).kid;",
    },
    {
      name: 'a verified token',
      code: "import { jwtVerify } from 'jose';\nconst { payload } = await jwtVerify(token, keys, options);",
    },
    {
      name: 'base64 of something else',
      code: "JSON.parse(Buffer.from(message.data, 'base64').toString()); JSON.parse(atob(text));",
    },
    { name: 'a name with dots', code: "const [, minor] = version.split('.'); JSON.parse(minor);" },
    { name: 'a decode of the project', code: "import { decode } from './base64.js';\ndecode(token);" },
  ],
});
