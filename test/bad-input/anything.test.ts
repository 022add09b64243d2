/** Whatever is typed, set or written: never a defect, never a character that a terminal would obey, never more than a sentence a problem. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { jsonLine } from '../../client/cli/io'
import { readFleet } from '../../client/fleet/read-fleet'
import { shownInput } from '../../client/shown-input'
import { Failure } from '../../contracts/failures'
import { printable } from '../../postgres/printable'
import { capstan } from '../client/recorded-io'
import { HOSTILE } from './support/bad-input'
import { FLEET } from './support/world'

const OBEYED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u
const anything = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.constant(HOSTILE))

test('text of others is shown without what a terminal would obey, and twice as once', () => {
  fc.assert(
    fc.property(anything, (text) => {
      expect(printable(text)).not.toMatch(OBEYED)
      expect(printable(printable(text))).toBe(printable(text))
      expect(shownInput(text)).not.toMatch(OBEYED)
      expect(shownInput(text.repeat(100)).length).toBeLessThan(700)
    }),
  )
})

test('JSON is read back as it was, and obeyed by no terminal', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (document) => {
      const line = jsonLine(document)
      expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      expect(line).toBe(`${line.trimEnd()}\n`)
      expect(JSON.stringify(JSON.parse(line))).toBe(JSON.stringify(document))
    }),
  )
})

test('whatever is typed is told in one line and ends with an exit code of the table', async () => {
  const known = fc.constantFrom(
    ...['migrate', 'snapshot', 'ops', 'list', 'show', 'approve', 'resolve', 'evidence', 'migrations', 'info', 'fleet', 'check'],
    ...[
      'lab',
      'fault',
      'calls',
      'shop',
      'migrate-shop-k3x7qa',
      '--json',
      '--fleet',
      '--limit',
      '--since',
      '--digest',
      '--wait-timeout',
    ],
    ...[
      '--status',
      '--url',
      'postgres://a@b.invalid/c',
      '--dir',
      '--plan',
      '--yes',
      '--',
      '-',
      '-x',
      '--operation',
      '--reason',
      '7d',
    ],
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ arbitrary: known, weight: 4 }, { arbitrary: anything, weight: 1 }), { maxLength: 6 }),
      async (args) => {
        const { exit, out, err } = await capstan(args)
        expect([2, 3, 4]).toContain(exit)
        // A group without a command shows its help.
        if (/^Usage: /.test(err)) return
        const told = out === '' ? err : (JSON.parse(out) as { error: { message: string } }).error.message
        expect(told.replace(/\n$/, '')).not.toMatch(OBEYED)
        expect(out + err).not.toMatch(/\bat \S+:\d+:\d+/)
      },
    ),
    { numRuns: 120 },
  )
})

test('a fleet file with anything anywhere is read, or refused with its line and column', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-fleet-'))
  const file = join(folder, 'fleet.yaml')
  const places = [...FLEET.matchAll(/\S+/g)].map(({ index }) => index)
  const syntax = fc.constantFrom('*a', '&a ', '!x ', '{', ']', '- ', ': ', '<<: *a', '"', '\t', '? ', '|\n')
  const property = fc.asyncProperty(
    fc.constantFrom(...places),
    fc.nat({ max: 12 }),
    fc.oneof(anything, syntax),
    async (at, cut, text) => {
      writeFileSync(file, FLEET.slice(0, at) + text + FLEET.slice(at + cut))
      const error = await readFleet(file).then(
        () => null,
        (thrown: unknown) => thrown,
      )
      if (error === null) return
      if (!(error instanceof Failure)) throw error
      expect(error.code).toBe('FLEET_FILE_INVALID')
      for (const line of error.message.split('\n')) {
        expect(line.replace(file, 'fleet.yaml')).toMatch(/^fleet\.yaml:\d+:\d+: [^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+[.?]$/u)
      }
    },
  )
  try {
    await fc.assert(property, { numRuns: 300 })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
