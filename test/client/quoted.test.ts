import { styleText } from 'node:util'
import fc from 'fast-check'
import { jsonLine } from '../../client/cli/io'
import { fileLines } from '../../client/cli/render/files'
import { cutTo, harmless, oneLine } from '../../client/cli/render/quoted'
import { table } from '../../client/cli/render/table'
import { escapeText } from '../../client/evidence/html'

const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u
const odd = fc.constantFrom(
  '\u001b]52;c;AAAA\u0007',
  '\u001b[2J',
  '\u202e',
  '\u2066',
  '\u200b',
  '\r',
  '\n',
  '\u2028',
  '\ud800',
  '\u{e0041}',
  '\u9b31m',
)
const text = fc
  .array(fc.oneof(odd, fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' })), { maxLength: 6 })
  .map((parts) => parts.join(''))
const ESCAPE = '\u001b'
const OURS = new RegExp(`[\\t\\n]|${ESCAPE}\\[\\d{1,2}m`, 'g')
const plain = (_style: string, line: string): string => line

test('whatever a text of others holds, a line of ours holds nothing that is unseen or obeyed', () => {
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 60 }), (cell, width) => {
      const lines = [...table(['NAME', 'BY'], [[cell, 'x']], plain), oneLine(cell), cutTo(cell, width)]
      for (const line of lines) expect(line).not.toMatch(UNSEEN)
      expect(jsonLine({ cell }).slice(0, -1)).not.toMatch(UNSEEN)
      expect(JSON.parse(jsonLine({ cell }))).toEqual({ cell })
      for (const shown of [harmless(cell), escapeText(cell)]) expect(shown.replaceAll(OURS, '')).not.toMatch(UNSEEN)
    }),
  )
})

test('colours of ours pass the last door, whatever else a line holds does not', () => {
  const red = styleText('red', 'no', { validateStream: false })
  expect(harmless(`${red}\t\u001b]52;c;AAAA\u0007\u001b[2J\u202e\n`)).toBe(`${red}\t\\u{1b}]52;c;AAAA\\u{7}\\u{1b}[2J\\u{202e}\n`)
})

test('a script is printed whole, each line behind its number, and cannot begin a line of its own', () => {
  const content = 'SELECT 1;\r\nDROP TABLE a; \u001b[8m\u2028-- \u202e\n'
  const bundle = {
    migrations: [
      { script: 'V1__a.sql', content: 'SELECT 0;' },
      { script: 'V2__b.sql', content },
    ],
  }
  expect(fileLines(bundle, new Set(['V2__b.sql']), plain)).toEqual([
    'V2__b.sql',
    '  1  SELECT 1;',
    '  2  DROP TABLE a; \\u{1b}[8m\\u{2028}-- \\u{202e}',
    '',
    '1 script that the plan does not run is not shown.',
  ])
  expect(fileLines(bundle, null, plain)).toHaveLength(7)
})
