import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Secret } from '@sidegate/sdk/settings';
import { Components } from './components.ts';

/** Makes parts that tell when they are closed. */
function workshop() {
  const closed: string[] = [];
  let made = 0;
  const part = (components: Components, madeFrom: unknown, graceful = false): string =>
    components.take('part', madeFrom, () => {
      made += 1;
      const value = `part ${made}`;
      return { value, close: () => void closed.push(value), graceful };
    });
  return { closed, part };
}

describe('parts of a configuration', () => {
  test('are made anew when anything that shapes them differs, a secret included', () => {
    const { part } = workshop();
    const components = new Components();
    const first = part(components, { url: 'a', password: new Secret('one') });
    assert.equal(part(components, { url: 'a', password: new Secret('one') }), first);
    assert.notEqual(part(components, { url: 'a', password: new Secret('two') }), first);
    assert.notEqual(part(components, { url: 'b', password: new Secret('one') }), first);
    assert.notEqual(
      components.take('other', { url: 'a', password: new Secret('one') }, () => ({
        value: '',
        close: () => undefined,
      })),
      first,
    );
  });

  test('are taken over, and closed when nobody uses them: graceful ones at once, the others at the end', async () => {
    const { closed, part } = workshop();
    const before = new Components();
    const kept = part(before, 'kept');
    const graceful = part(before, 'graceful', true);
    const lingering = part(before, 'lingering');
    const after = new Components(before);
    assert.equal(part(after, 'kept'), kept);
    await after.settle();
    assert.deepEqual(closed, [graceful]);
    await before.end(after);
    assert.deepEqual(closed, [graceful, lingering]);
    await after.end();
    assert.deepEqual(closed, [graceful, lingering, kept]);
  });

  test('are closed before those that were made earlier, which they may use', async () => {
    const { closed, part } = workshop();
    const components = new Components();
    const [file, audit] = [part(components, 'file'), part(components, 'audit')];
    await components.end();
    assert.deepEqual(closed, [audit, file]);
  });

  test('of a configuration that is refused are closed, those of the one that stays are not', async () => {
    const { closed, part } = workshop();
    const before = new Components();
    const kept = part(before, 'kept');
    const refused = new Components(before);
    part(refused, 'kept');
    const own = part(refused, 'its own');
    await refused.end(before);
    assert.deepEqual(closed, [own]);
    assert.equal(part(new Components(before), 'kept'), kept);
  });
});
