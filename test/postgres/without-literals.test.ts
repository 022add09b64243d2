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
  ["DO $x$ BEGIN RAISE 'secret'; END $x$", 'DO $1'],
  ["COMMENT ON TABLE t IS E'it\\'s' -- secret\n /* secret */ ; ", 'COMMENT ON TABLE t IS $1 ;'],
  ['PREPARE p AS SELECT $1', 'PREPARE p AS SELECT $1'],
  ["SELECT 'never ends", 'SELECT…'],
])('%s', (sql, shown) => {
  expect(withoutLiterals(sql, 200)).toBe(shown)
})

test('a long text is cut', () => {
  expect(withoutLiterals(`SELECT ${'a, '.repeat(500)}b`, 20)).toBe('SELECT a, a, a, a, …')
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
