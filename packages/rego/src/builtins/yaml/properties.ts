/** Anchors, aliases, tags and directives of YAML as they are written. */
import { type Mark, scannerError } from './failure.ts';
import type { Source } from './source.ts';

export interface Tag {
  /** `!`, `!!`, `!name!`, or nothing for a tag that is complete. */
  readonly handle: string;
  readonly suffix: string;
}

export interface Directive {
  readonly isVersion: boolean;
  /** A version, or what a handle stands for. */
  readonly text: string;
  readonly tag?: Tag;
}

/** The name behind `&` or `*`. */
export function scanAnchor(source: Source): string {
  const start = source.mark;
  source.take();
  const name = takeWhile(source, /[\w-]/);
  if (name !== '' && (source.isSpaceOrEnd() || /[?:,\]}%@`]/.test(source.peek()))) return name;
  throw scannerError('did not find expected alphabetic or numeric character', source.mark, start);
}

export function scanTag(source: Source): Tag {
  const start = source.mark;
  const tag = source.peek(1) === '<' ? verbatimTag(source, start) : shortTag(source, start);
  if (source.isSpaceOrEnd()) return tag;
  throw scannerError('did not find expected whitespace or line break', source.mark, start);
}

function verbatimTag(source: Source, start: Mark): Tag {
  source.take();
  source.take();
  const suffix = scanUri(source, start, '');
  if (source.peek() !== '>') throw scannerError("did not find the expected '>'", source.mark, start);
  source.take();
  return { handle: '', suffix };
}

function shortTag(source: Source, start: Mark): Tag {
  const handle = scanHandle(source);
  if (handle.length > 1 && handle.endsWith('!')) return { handle, suffix: scanUri(source, start, '') };
  const suffix = scanUri(source, start, handle);
  return suffix === '' ? { handle: '', suffix: '!' } : { handle: '!', suffix };
}

/** `!`, then a name, and another `!` when there is one. */
function scanHandle(source: Source): string {
  const handle = source.take() + takeWhile(source, /[\w-]/);
  return source.peek() === '!' ? handle + source.take() : handle;
}

/** @param head what was read already and taken for a handle */
function scanUri(source: Source, start: Mark, head: string): string {
  let uri = head.slice(1);
  while (/[\w\-;/?:@&=+$,.!~*'()[\]%]/.test(source.peek())) {
    const rune = source.take();
    uri += rune === '%' ? scanEscape(source, start) : rune;
  }
  if (uri === '' && head === '') throw scannerError('did not find expected tag URI', source.mark, start);
  return uri;
}

function scanEscape(source: Source, start: Mark): string {
  const digits = source.peek() + source.peek(1);
  if (!/^[\da-f]{2}$/i.test(digits)) throw scannerError('did not find URI escaped octet', source.mark, start);
  source.take();
  source.take();
  return String.fromCharCode(Number.parseInt(digits, 16));
}

export function scanDirective(source: Source): Directive {
  const start = source.mark;
  source.take();
  const name = takeWhile(source, /[\w-]/);
  if (name === '') throw scannerError('could not find expected directive name', source.mark, start);
  if (!source.isSpaceOrEnd()) throw scannerError('found unexpected non-alphabetical character', source.mark, start);
  if (name !== 'YAML' && name !== 'TAG') throw scannerError('found unknown directive name', source.mark, start);
  const directive = name === 'YAML' ? scanVersion(source, start) : scanTagDirective(source, start);
  takeWhile(source, /[ \t]/);
  if (source.peek() === '#') while (!source.isBreakOrEnd()) source.take();
  if (!source.isBreakOrEnd()) throw scannerError('did not find expected comment or line break', source.mark, start);
  if (source.isBreak()) source.takeBreak();
  return directive;
}

function scanVersion(source: Source, start: Mark): Directive {
  takeWhile(source, /[ \t]/);
  const major = scanNumber(source, start);
  if (source.peek() !== '.') throw scannerError("did not find expected digit or '.' character", source.mark, start);
  source.take();
  return { isVersion: true, text: `${major}.${scanNumber(source, start)}` };
}

function scanNumber(source: Source, start: Mark): number {
  const digits = takeWhile(source, /\d/);
  if (digits === '') throw scannerError('did not find expected version number', source.mark, start);
  return Number(digits);
}

function scanTagDirective(source: Source, start: Mark): Directive {
  takeWhile(source, /[ \t]/);
  const handle = source.peek() === '!' ? scanHandle(source) : '';
  if (handle === '') throw scannerError("did not find expected '!'", source.mark, start);
  takeWhile(source, /[ \t]/);
  const text = scanUri(source, start, '');
  return { isVersion: false, text, tag: { handle, suffix: '' } };
}

function takeWhile(source: Source, pattern: RegExp): string {
  let taken = '';
  while (!source.isEnd() && pattern.test(source.peek())) taken += source.take();
  return taken;
}
