/** What must be true of a bank when writing has moved, or was to move: a sentence for each violation. Knows nothing of who moved it, and how. */
import {
  type Attempt,
  type GivenUp,
  type History,
  namesOf,
  type Ring,
  type Row,
  type Seen,
  type Server,
  type Side,
} from './history'
import { turnsOf, type Write } from './turns'

export function violationsOf(history: History): string[] {
  return [
    ...history.sides.flatMap((side) => [...rowsOn(side, history), ...clientsOn(side), ...balanced(side, history, 'at the end')]),
    ...(history.givenUp === null ? sidesDiffer(history.sides) : leftBehind(history, history.givenUp)),
    ...new Set(history.snapshots.flatMap((one) => balanced(one, history, 'in a snapshot')).slice(0, 5)),
    ...forgotten(history),
    ...givenTwice(history),
    ...outOfTurn(history),
  ]
}

/** As many as a person reads. */
function told(found: readonly string[], sentence: (which: string) => string): string[] {
  if (found.length === 0) return []
  const first = found.slice(0, 3).join(', ')
  return [sentence(found.length > 3 ? `${first} and ${found.length - 3} more` : first)]
}

function by<Item>(items: readonly Item[], key: (item: Item) => string): Map<string, Item[]> {
  const found = new Map<string, Item[]>()
  for (const item of items) {
    const same = found.get(key(item))
    if (same === undefined) found.set(key(item), [item])
    else same.push(item)
  }
  return found
}

const placeOf = ({ writer, seq }: { readonly writer: string; readonly seq: number }): string => `${writer}/${seq}`

/** Whether a side has to have what was acknowledged. Of what was given up the old writer has all that it acknowledged, and the new one all but what was told. */
function owes({ server }: Side, { givenUp }: History): (name: string, by: Server | undefined) => boolean {
  if (givenUp === null) return () => true
  if (givenUp.server === server) return (_, by) => by === server
  const told = new Set(givenUp.told)
  return (name) => !told.has(name)
}

function rowsOn(side: Side, history: History): string[] {
  const on = `on ${side.server}`
  const rows = by(side.rows, ({ key }) => key)
  const known = new Map(history.attempts.map((one) => [one.key, one]))
  const isOwed = owes(side, history)
  const attempts = history.attempts.filter(({ key, sent }) => sent === null || isOwed(`transfer ${key}`, sent.server))
  const accepted = history.accepted.filter(({ id, server }) => isOwed(`probe ${id}`, server))
  const of = (outcome: Attempt['outcome']) => attempts.filter((one) => one.outcome === outcome)
  const there = new Set(side.probes.map(({ id }) => id))
  const keys = (found: readonly { readonly key: string }[]) => found.map(({ key }) => key)
  const changed = side.rows.filter((row) => isAnother(row, known.get(row.key)))
  const twice = [...by(side.rows, placeOf)].filter(([, same]) => same.length > 1).map(([place]) => place)
  return [
    ...told(keys(of('acknowledged').filter(({ key }) => !rows.has(key))), (which) => `acknowledged and lost ${on}: ${which}`),
    ...told(keys(of('failed').filter(({ key }) => rows.has(key))), (which) => `failed and there all the same ${on}: ${which}`),
    ...told(keys(side.rows.filter(({ key }) => !known.has(key))), (which) => `written by nobody, and there ${on}: ${which}`),
    ...told(twice, (which) => `there twice ${on}: ${which}`),
    ...told(keys(changed), (which) => `another row than was written ${on}: ${which}`),
    ...told(
      accepted.filter(({ id }) => !there.has(id)).map(({ endpoint, id }) => `${id} (${endpoint})`),
      (which) => `a probe's row, acknowledged and lost ${on}: ${which}`,
    ),
  ]
}

function isAnother(row: Row, attempt: Attempt | undefined): boolean {
  const sent = attempt?.sent
  if (attempt === undefined || sent == null) return false
  const same = placeOf(row) === placeOf(attempt) && row.id === sent.id && row.ticket === sent.ticket
  return !same || row.server !== sent.server
}

/** A writer's rows are its first, its second and so on, up to what its own row says: a gap is one that was lost, whatever it was told. */
function clientsOn({ server, rows, clients }: Side): string[] {
  const of = by(rows, ({ writer }) => writer)
  const wrong = clients.filter(({ writer, last }) => {
    const seqs = new Set(of.get(writer)?.map(({ seq }) => seq) ?? [])
    return seqs.size !== last || [...seqs].some((seq) => seq < 1 || seq > last)
  })
  const strangers = [...of.keys()].filter((writer) => !clients.some((one) => one.writer === writer))
  return told(
    [...wrong.map(({ writer }) => writer), ...strangers],
    (which) => `a gap in what a writer wrote on ${server}: ${which}`,
  )
}

function balanced(
  { server, sum, ring }: { readonly server: Server; readonly sum: number; readonly ring: Ring },
  whole: Pick<History, 'sum' | 'nodes'>,
  when: string,
): string[] {
  return [
    ...(sum === whole.sum ? [] : [`${sum} in all accounts of ${server} ${when}, and there are ${whole.sum}`]),
    ...(isRing(ring, whole.nodes) ? [] : [`the ring of ${server} is broken ${when}`]),
  ]
}

/** One cycle through all of them. */
function isRing(ring: Ring, nodes: number): boolean {
  const next = new Map(ring)
  const first = ring[0]?.[0]
  const seen = new Set<number>()
  let at = first
  while (at !== undefined && !seen.has(at)) {
    seen.add(at)
    at = next.get(at)
  }
  return at === first && seen.size === nodes && next.size === nodes
}

function sidesDiffer([one, ...others]: readonly Side[]): string[] {
  if (one === undefined) return []
  const contentOf = ({ rows, clients, probes, ring }: Side): string[] => [
    ...rows.map(({ key }) => `transfer ${key}`),
    ...clients.map(({ writer, last }) => `writer ${writer} at ${last}`),
    ...probes.map(({ id }) => `probe ${id}`),
    ...ring.map(([node, next]) => `${node} before ${next}`),
  ]
  const content = new Set(contentOf(one))
  return others.flatMap((other) => {
    const there = new Set(contentOf(other))
    return [
      ...told(
        [...content].filter((each) => !there.has(each)),
        (which) => `on ${one.server} and not on ${other.server}: ${which}`,
      ),
      ...told(
        [...there].filter((each) => !content.has(each)),
        (which) => `on ${other.server} and not on ${one.server}: ${which}`,
      ),
    ]
  })
}

/** What a failover leaves on the old writer is what was told of it, to the row, and nothing of it is older or newer than was stated. */
function leftBehind({ sides, attempts, accepted }: History, { server, told: said, from, to }: GivenUp): string[] {
  const old = sides.find((side) => side.server === server)
  const now = sides.find((side) => side.server !== server)
  if (old === undefined || now === undefined) return ['of what was given up one side alone was looked at']
  const [there, here, known] = [namesOf(old), namesOf(now), new Set(said)]
  const left = [...there].filter(([name, value]) => here.get(name) !== value).map(([name]) => name)
  const leftOnes = new Set(left)
  const carried = [
    ...now.rows.flatMap((row) => (row.server === server ? [`transfer ${row.key}`] : [])),
    ...now.probes.flatMap((one) => (one.server === server ? [`probe ${one.id}`] : [])),
  ]
  const acknowledged = [
    ...attempts.flatMap(({ key, outcome, sent }) =>
      outcome === 'acknowledged' && sent !== null ? [{ name: `transfer ${key}`, ...sent }] : [],
    ),
    ...accepted.map(({ id, ...one }) => ({ name: `probe ${id}`, ...one })),
  ]
  const outside = acknowledged.filter((one) => leftOnes.has(one.name) && ((one.to ?? to) < from || one.from > to))
  return [
    ...told(
      left.filter((name) => !known.has(name)),
      (which) => `left on ${server}, and nobody told: ${which}`,
    ),
    ...told(
      said.filter((name) => !leftOnes.has(name)),
      (which) => `told to be left on ${server}, and it is not: ${which}`,
    ),
    ...told(
      carried.filter((name) => !there.has(name)),
      (which) => `${now.server} has it of ${server}, which has it not: ${which}`,
    ),
    ...told(
      outside.map(({ name }) => name),
      (which) => `lost outside of what was stated: ${which}`,
    ),
  ]
}

/** Whoever connects anew finds what was acknowledged to him before, but for what was told to be lost. */
function forgotten({ resumed, attempts, givenUp }: History): string[] {
  const lost = new Set(givenUp?.told)
  const isTold = (writer: string, last: number, acknowledged: number): boolean =>
    attempts
      .filter((one) => one.writer === writer && one.outcome === 'acknowledged' && one.sent?.server === givenUp?.server)
      .every(({ seq, key }) => seq <= last || seq > acknowledged || lost.has(`transfer ${key}`))
  const found = resumed.filter(
    ({ writer, last, acknowledged, server }) =>
      last < acknowledged && (givenUp === null || server === givenUp.server || !isTold(writer, last, acknowledged)),
  )
  const which = found.map(
    ({ writer, last, acknowledged, server }) => `${writer} at ${last} on ${server}, acknowledged ${acknowledged}`,
  )
  return told(which, (these) => `a writer that came again found less than it was told: ${these}`)
}

/** What a sequence gave, by whoever it was seen. */
function givenTwice({ attempts, accepted, sides, crashes }: History): string[] {
  const committed = new Set(sides.flatMap(({ rows }) => rows.map(({ key }) => key)))
  const counts = ({ key, outcome }: Attempt) => !crashes || outcome === 'acknowledged' || committed.has(key)
  const sent = attempts.filter(counts).flatMap(({ key, sent: one }) => (one === null ? [] : [{ key, ...one }]))
  const rows = [...sent, ...sides.flatMap((side) => side.rows)]
  const probes = [...accepted, ...sides.flatMap((side) => side.probes)].map(({ id, server }) => ({ id, key: server }))
  const repeated = (of: readonly { readonly key: string }[], numberOf: (index: number) => number): string[] => {
    const owners = new Map<number, Set<string>>()
    for (const [index, { key }] of of.entries()) {
      const number = numberOf(index)
      owners.set(number, (owners.get(number) ?? new Set()).add(key))
    }
    return [...owners].filter(([, keys]) => keys.size > 1).map(([number, keys]) => `${number} to ${[...keys].join(' and ')}`)
  }
  return [
    ...told(
      repeated(rows, (at) => rows[at]?.id ?? 0),
      (which) => `an id was given twice: ${which}`,
    ),
    ...told(
      repeated(rows, (at) => rows[at]?.ticket ?? 0),
      (which) => `a ticket was given twice: ${which}`,
    ),
    ...told(
      repeated(probes, (at) => probes[at]?.id ?? 0),
      (which) => `a probe's id was given twice: ${which}`,
    ),
  ]
}

/** A transaction whose answer never came and that is there took effect after it was sent, nobody knows when. */
function outOfTurn({ attempts, accepted, sides, turns }: History): string[] {
  const there = new Set(sides.flatMap(({ rows }) => rows.map(({ key }) => key)))
  const writes: Write[] = attempts.flatMap(({ key, outcome, sent }) => {
    if (sent === null || (outcome !== 'acknowledged' && !there.has(key))) return []
    return [{ server: sent.server, from: sent.from, to: sent.to ?? Number.POSITIVE_INFINITY }]
  })
  const found = turnsOf([...writes, ...accepted], turns[0] ?? '')
  if (found.join() === turns.join()) return []
  return [`${inTurn(found)}, and it was to be ${turns.join(', ')}`]
}

const inTurn = (servers: readonly Server[]): string => `writes were accepted in turn by ${servers.join(', ') || 'nobody'}`

/** Of what came to no end, and of which neither database was looked at. */
export function toldWriters({ attempts, accepted }: Seen, first: Server): string {
  const writes = attempts.flatMap(({ outcome, sent }): Write[] =>
    outcome === 'acknowledged' && sent !== null
      ? [{ server: sent.server, from: sent.from, to: sent.to ?? Number.POSITIVE_INFINITY }]
      : [],
  )
  return inTurn(turnsOf([...writes, ...accepted], first))
}
