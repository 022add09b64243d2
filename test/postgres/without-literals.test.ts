import fc from 'fast-check'
import { withoutLiterals } from '../../postgres/migrate/without-literals'

test.each([
  ["UPDATE customers SET id = 1 WHERE id = -77 AND a = 'x''y'", 'UPDATE customers SET id = $1 WHERE id = -$2 AND a = $3'],
  [
    "ALTER TABLE t ADD status text DEFAULT 'new' CHECK (status IN ('new', 'old'))",
    'ALTER TABLE t ADD status text DEFAULT $1 CHECK (status IN ($2, $3))',
  ],
  ['ALTER TABLE t ALTER total TYPE numeric(12,2)', 'ALTER TABLE t ALTER total TYPE numeric(12,2)'],
  ['SELECT f(12), numeric (3), t1."a1" FROM t1', 'SELECT f($1), numeric (3), t1."a1" FROM t1'],
  ["ALTER ROLE ann PASSWORD 'secret'", 'ALTER ROLE ann PASSWORD $1'],
  ["DO $x$ BEGIN RAISE 'secret'; END $x$", 'DO $x$ BEGIN RAISE $1; END $x$'],
  [
    "DO LANGUAGE plpgsql 'BEGIN DROP TABLE orders; PERFORM f(''secret'', 5); END'",
    "DO LANGUAGE plpgsql ' BEGIN DROP TABLE orders; PERFORM f($1, $2); END '",
  ],
  ["DO E'BEGIN\\n\\x44ROP TABLE orders; END'", "DO ' BEGIN DROP TABLE orders; END '"],
  [
    "DO $$ BEGIN EXECUTE 'DROP TABLE orders -- ' || 'secret'; EXECUTE format('DROP TABLE %I', 'secret'); END $$",
    "DO $$ BEGIN EXECUTE ' DROP TABLE orders ' || $1; EXECUTE format(' DROP TABLE %I ', $2); END $$",
  ],
  [
    "CREATE OR REPLACE FUNCTION f(a text DEFAULT 'x') RETURNS int LANGUAGE sql AS $f$ DELETE FROM t WHERE a = 'secret' $f$ SET a = 'b'",
    'CREATE OR REPLACE FUNCTION f(a text DEFAULT $1) RETURNS int LANGUAGE sql AS $f$ DELETE FROM t WHERE a = $2 $f$ SET a = $3',
  ],
  [
    'DO $$ BEGIN CREATE FUNCTION g() RETURNS void LANGUAGE sql AS $g$ DROP TABLE t $g$; END $$',
    'DO $$ BEGIN CREATE FUNCTION g() RETURNS void LANGUAGE sql AS $g$ DROP TABLE t $g$; END $$',
  ],
  [
    'DO $$ BEGIN DROP TABLE a; CREATE FUNCTION g() RETURNS int LANGUAGE plv8 AS $g$ x-- $g$; END $$',
    'DO $$ BEGIN DROP TABLE a; CREATE FUNCTION g() RETURNS int LANGUAGE plv8 AS $1 […5 characters left out in the language plv8]; END $$',
  ],
  [
    "CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS $$ return 1--plpy.execute('x') $$",
    'CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS $1 […29 characters left out in the language plpython3u]',
  ],
  [
    "INSERT INTO t VALUES ('a') ON CONFLICT (id) DO UPDATE SET a = 'secret'",
    'INSERT INTO t VALUES ($1) ON CONFLICT (id) DO UPDATE SET a = $2',
  ],
  ["SELECT CAST('secret' AS text)", 'SELECT CAST($1 AS text)'],
  ["DO $$ BEGIN RAISE 'never ends; END $$", 'DO $$ BEGIN RAISE […never ends: 18 characters left out] $$'],
  ["COMMENT ON TABLE t IS E'it\\'s' -- secret\n /* secret */ ; ", 'COMMENT ON TABLE t IS $1 ;'],
  ['PREPARE p AS SELECT $1', 'PREPARE p AS SELECT $1'],
  ["SELECT 'never ends", 'SELECT […never ends: 12 characters left out]'],
])('%s', (sql, shown) => {
  expect(withoutLiterals(sql, 200)).toBe(shown)
})

test('a text that is cut says how much it leaves out, in quoted code too', () => {
  expect(withoutLiterals(`SELECT ${'a, '.repeat(500)}b`, 20)).toBe('SELECT a, a, a, a, a […cut here: 1,488 characters left out]')
  expect(withoutLiterals(`DO $$ ${'a; '.repeat(500)} $$; SELECT b`, 30)).toMatch(
    /^DO \$\$ (a; )+\[…cut here: 1,4\d\d characters left out\] \$\$ \[…cut here: 10 characters left out\]$/,
  )
})

test('no text of a string constant is left, however it is quoted', () => {
  const secret = fc.stringMatching(/^[a-z]{5,9}$/)
  const quoted = fc
    .tuple(secret, fc.constantFrom("'", "''", '"', ' ', '\n', '--', '/*', '\\', ';', '$$', '%'))
    .chain(([word, odd]) => {
      const value = `${word}${odd}${word}`
      const texts = [
        `'${value.replaceAll("'", "''")}'`,
        `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`,
        `$q$${value}$q$`,
      ]
      return fc.constantFrom(...texts).map((text) => ({ word, text }))
    })
  fc.assert(
    fc.property(fc.array(quoted, { minLength: 1, maxLength: 5 }), (constants) => {
      const shown = withoutLiterals(`INSERT INTO t VALUES (${constants.map(({ text }) => text).join(', ')})`, 500)
      expect(shown).toBe(`INSERT INTO t VALUES (${constants.map((_, i) => `$${i + 1}`).join(', ')})`)
    }),
  )
})

test('what a file drops is shown, in whatever quotes its code stands', () => {
  const padding = fc.nat({ max: 200 }).map((count) => 'PERFORM 1; '.repeat(count))
  const quotes: ((code: string) => string)[] = [
    (code) => `DO $$${code}$$`,
    (code) => `DO $a$${code}$a$ LANGUAGE plpgsql`,
    (code) => `do language 'plpgsql' '${code.replaceAll("'", "''")}'`,
    (code) => `CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $q$${code}$q$`,
    (code) => `CREATE PROCEDURE p() AS E'${code.replaceAll("'", "\\'")}' LANGUAGE plpgsql`,
  ]
  fc.assert(
    fc.property(padding, fc.constantFrom(...quotes), (before, quote) => {
      const shown = withoutLiterals(quote(`BEGIN ${before}PERFORM f('secret'); DROP TABLE orders CASCADE; END`), 4_000)
      expect(shown).toContain('DROP TABLE orders CASCADE')
      expect(shown).not.toContain('secret')
    }),
  )
})
