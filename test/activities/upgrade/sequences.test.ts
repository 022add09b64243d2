import { compareSequences } from '../../../activities/upgrade/sequences'
import type { SequenceRead, SequencesRead } from '../../../postgres/replicate/watch/sequences'

const one = (name: string, last: bigint, more: Partial<SequenceRead> = {}): SequenceRead => ({
  ...{ schema: 'public', name, settable: true, cycles: false, increment: 1n, min: 1n, max: 1_000n },
  ...{ last, isCalled: true, ...more },
})
const read = (sequences: readonly SequenceRead[], hidden: readonly string[] = []): SequencesRead => ({ sequences, hidden })
const rules = (old: SequencesRead, now: SequencesRead) => compareSequences(old, now).findings.map(({ rule }) => rule)

test('one that stands where it stood, or beyond, is nothing to tell', () => {
  const old = read([one('up', 5n), one('down', 5n, { increment: -1n }), one('round', 5n, { cycles: true })])
  const now = read([one('up', 6n), one('down', 4n, { increment: -1n }), one('round', 1n, { cycles: true })])
  expect(compareSequences(old, now)).toEqual({
    summary: '3 sequences were compared with those of the old instance, 0 of them behind or not seen',
    findings: [],
  })
})

test('one that stands behind or is not there is told, with a statement that can be run', () => {
  const { findings } = compareSequences(read([one("it's", 5n), one('lost', 7n)]), read([one("it's", 4n)]))
  expect(findings).toEqual([
    { rule: 'upgrade:sequence', message: expect.stringContaining(`setval('"public"."it''s"', …)`) },
    { rule: 'upgrade:sequence', message: expect.stringContaining('is not there') },
  ])
})

test('one that the migrator may not read, on either side, was not compared, and is not called lost', () => {
  expect(rules(read([], ['"public"."mine"']), read([one('mine', 5n)]))).toEqual(['upgrade:sequence-unseen'])
  expect(rules(read([one('mine', 5n)]), read([], ['"public"."mine"']))).toEqual(['upgrade:sequence-unseen'])
  expect(compareSequences(read([], ['"public"."mine"']), read([])).summary).toContain('1 may not be read there, and were not')
})
