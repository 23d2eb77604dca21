import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGuard } from './guard.ts';
import { readGuardSettings } from './guard-settings.ts';
import { targetOf } from './target.ts';

const made = (env: Readonly<Record<string, string>> = {}) => {
  const lines: string[] = [];
  const settings = readGuardSettings(env);
  assert.ok(settings);
  return { lines, guard: createGuard(settings, (line) => lines.push(line)) };
};

test('an error in the guard itself stops a call where calls are stopped, and only there', () => {
  const cause = new Error('broken');
  const blocking = made({ SIDEGATE_GUARD: 'block' });
  assert.equal((blocking.guard.failed(cause) as { code?: string }).code, 'ERR_SIDEGATE_ANONYMOUS_CALL');
  assert.match(blocking.lines.join(''), /could not look at a call: broken/);
  assert.equal(made().guard.failed(cause), undefined);
});

test('more places than it remembers are counted, and fill neither memory nor log', () => {
  const { guard, lines } = made();
  for (let index = 0; index < 3_000; index += 1)
    guard.anonymous(targetOf('GET', `http://host-${index}`, '/'), { name: '', message: '', stack: '' });
  assert.equal(lines.length, 1_000);
  guard.summary();
  assert.match(lines.at(-1) ?? '', /3000 anonymous from 1000 places/);
});

test('a URL is shown without user, query and what a terminal would obey', () => {
  const { guard, lines } = made();
  guard.anonymous(
    targetOf('GET\n', 'http://user:canary@Orders:8080', '/a\u{1b}[31m?x=canary#canary'),
    new Error('call'),
  );
  assert.match(lines[0] ?? '', /AUTH-14: \? http:\/\/orders:8080\/a\?\[31m proves nobody/);
  assert.doesNotMatch(lines.join(''), /canary/);
});

test('a process that sends nothing ends without a word', () => {
  const { guard, lines } = made();
  guard.summary();
  assert.deepEqual(lines, []);
});
