import { testRule } from '../../../../tests/support/rule-cases.ts';
import { requireAudience } from './require-audience.ts';

const verified = (name = 'audience') => ({ messageId: 'verified', data: { name } });
const signed = { messageId: 'signed' };

testRule('require-audience', requireAudience, {
  wrong: [
    {
      name: 'jose verifies for anybody',
      code: "import { jwtVerify as check } from 'jose';\nawait check(token, keys, { issuer });",
      errors: [verified()],
    },
    {
      name: 'jose verifies without options',
      code: "import * as jose from 'jose';\nawait jose.jwtVerify(token, keys);",
      errors: [verified()],
    },
    {
      name: 'options in a constant, with a spread',
      code: "import { jwtVerify } from 'jose';\nconst common = { clockTolerance: 5 };\nconst options = { ...common, issuer, audience: undefined };\nawait jwtVerify(token, keys, options);",
      errors: [verified()],
    },
    {
      name: 'jsonwebtoken with a callback',
      code: "const jwt = require('jsonwebtoken');\njwt.verify(token, key, (error, claims) => {});",
      errors: [verified()],
    },
    {
      name: 'express-jwt and koa-jwt',
      code: "import { expressjwt } from 'express-jwt';\nimport koaJwt from 'koa-jwt';\nexpressjwt({ secret, algorithms: ['RS256'] });\nkoaJwt({ secret });",
      errors: [verified(), verified()],
    },
    {
      name: "Nest's strategy",
      code: "import { PassportStrategy } from '@nestjs/passport';\nimport { Strategy } from 'passport-jwt';\nclass JwtStrategy extends PassportStrategy(Strategy) { constructor() { super({ jwtFromRequest, secretOrKey }); } }",
      errors: [verified()],
    },
    {
      name: "Fastify's plugin",
      code: "import fastifyJwt from '@fastify/jwt';\napp.register(fastifyJwt, { secret: { public: key }, verify: { allowedIss: 'a' } });",
      errors: [verified('verify.allowedAud')],
    },
    {
      name: 'jsonwebtoken signs for anybody',
      code: "import jwt from 'jsonwebtoken';\njwt.sign({ sub: service, type: 'service' }, key, { expiresIn: '365d' });",
      errors: [signed],
    },
    {
      name: 'jose signs for anybody',
      code: "import { SignJWT } from 'jose';\nawait new SignJWT({ sub }).setProtectedHeader({ alg }).setExpirationTime('5m').sign(key);",
      errors: [signed],
    },
  ],
  right: [
    {
      name: 'jose with an audience',
      code: "import { jwtVerify } from 'jose';\nawait jwtVerify(token, keys, { audience: 'orders' });",
    },
    {
      name: 'options from elsewhere',
      code: "import { jwtVerify } from 'jose';\nawait jwtVerify(token, keys, options);",
    },
    {
      name: 'a function of the project that is called alike',
      code: "import { jwtVerify } from './tokens.js';\nawait jwtVerify(token, keys);",
    },
    {
      name: 'jsonwebtoken with an audience',
      code: "import jwt from 'jsonwebtoken';\njwt.verify(token, key, { audience });",
    },
    {
      name: 'the audience among the claims',
      code: "import jwt from 'jsonwebtoken';\njwt.sign({ sub, aud: 'orders' }, key);",
    },
    { name: 'claims from elsewhere', code: "import jwt from 'jsonwebtoken';\njwt.sign(claims, key);" },
    {
      name: 'jose signs for one',
      code: "import { SignJWT } from 'jose';\nawait new SignJWT({ sub }).setProtectedHeader({ alg }).setAudience('orders').sign(key);",
    },
    { name: 'another thing that signs', code: 'await wallet.sign(key);' },
    {
      name: "Fastify's plugin with an audience",
      code: "import fastifyJwt from '@fastify/jwt';\napp.register(fastifyJwt, { secret, verify: { allowedAud: 'orders' } });",
    },
  ],
});
