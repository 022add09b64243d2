/** Where the sequences stand in the new writer, held against the old instance, which gives none any more: of one that stands behind, the next value was given before. */
import type { Finding } from '../../contracts/operation'
import type { UPGRADE_DOUBTS } from '../../contracts/upgrade'
import { quoteQualified } from '../../postgres/connect/quote'
import { readSequences, type SequenceRead, type SequencesRead } from '../../postgres/replicate/watch/sequences'
import type { ActivityDeps } from '../deps'
import { wordOf } from '../exchange/word'
import type { Place } from '../replication/sides'

/** Thousands of them are read in a second; a machine that stands still says nothing, and nobody is to wait for it. */
const READ_MS = 30_000

/** A doubt, and nothing that is known to be wrong. */
const UNSEEN: (typeof UPGRADE_DOUBTS)[number] = 'upgrade:sequence-unseen'

export interface SequencesCompared {
  /** One line. */
  readonly summary: string
  readonly findings: readonly Finding[]
}

export async function sequencesBehind(
  deps: ActivityDeps,
  { before, now }: { readonly before: Place; readonly now: Place },
): Promise<SequencesCompared> {
  // the old one first: it gives none any more
  const old = await wordOf(deps, before, readSequences, READ_MS)
  if (typeof old === 'string') return notCompared(before, old)
  const there = await wordOf(deps, now, readSequences, READ_MS)
  return typeof there === 'string' ? notCompared(now, there) : compareSequences(old, there)
}

function notCompared({ address: { instance } }: Place, why: string): SequencesCompared {
  const summary = `the sequences were not compared: ${instance} did not say where they stand (${why})`
  const message = `The sequences were not compared with those of the old instance: ${instance} did not say where they stand: ${why}. See to it that none gives what was given.`
  return { summary, findings: [{ rule: UNSEEN, message }] }
}

export function compareSequences(old: SequencesRead, now: SequencesRead): SequencesCompared {
  const there = new Map(now.sequences.map((one) => [nameOf(one), one]))
  const hidden = new Set(now.hidden)
  const behind = old.sequences.flatMap((one): Finding[] => {
    const name = nameOf(one)
    const found = there.get(name)
    if (found === undefined && hidden.has(name)) return [unread(name, 'new')]
    if (found !== undefined && !isBehind(one, found)) return []
    const where = found === undefined ? 'is not there' : `stands at ${found.last}`
    return [
      finding(
        `Sequence ${name} stood at ${one.last} in the old instance, and ${where} in the new one: it gives what was given. SELECT setval('${name.replaceAll("'", "''")}', …);`,
      ),
    ]
  })
  const findings = [...behind, ...old.hidden.map((name) => unread(name, 'old'))]
  const summary = `${old.sequences.length} sequences were compared with those of the old instance, ${behind.length} of them behind or not seen${old.hidden.length === 0 ? '' : `; ${old.hidden.length} may not be read there, and were not`}`
  return { summary, findings }
}

const nameOf = ({ schema, name }: SequenceRead): string => quoteQualified(schema, name)

const finding = (message: string): Finding => ({ rule: 'upgrade:sequence', message })

const unread = (name: string, where: 'old' | 'new'): Finding => ({
  rule: UNSEEN,
  message: `Sequence ${name} was not compared: the migrator may not read it in the ${where} instance. GRANT SELECT on it, and see to it that it gives nothing twice.`,
})

/** One that begins anew by its own declaration has no place that is beyond another. */
function isBehind(was: SequenceRead, is: SequenceRead): boolean {
  if (was.cycles || !was.isCalled) return false
  if (is.last === was.last) return !is.isCalled
  return was.increment > 0n === is.last < was.last
}
