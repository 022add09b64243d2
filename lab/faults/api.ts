/** `/_lab/faults`: what is ordered, what could be, ordering and taking back. A wrong order is answered with 422, the field and one
 *  sentence. */
import type { FastifyInstance } from 'fastify'
import type { FaultBook } from './book'
import type { Fault } from './fault'
import type { FaultOffer } from './offer'
import { FaultRefusal } from './order-fields'

/** `changed` resolves when what was ordered or taken back holds. */
export function serveFaults(api: FastifyInstance, book: FaultBook, changed: (ordered?: Fault) => Promise<void>): void {
  const listed = (): object => ({ version: 1, faults: book.list() })

  api.get('/_lab/faults', async () => listed())

  api.get('/_lab/faults/kinds', async () => kindsOf(book.offers))

  api.post('/_lab/faults', async (request, reply) => {
    try {
      const fault = book.order(request.body)
      await changed(fault)
      if (fault.trouble !== undefined) return reply.code(409).send({ error: fault.trouble })
      return { fault, ...listed() }
    } catch (error) {
      if (!(error instanceof FaultRefusal)) throw error
      return reply.code(422).send({ error: error.message, field: error.field })
    }
  })

  api.delete('/_lab/faults', async () => {
    book.withdraw()
    await changed()
    return listed()
  })

  api.delete<{ Params: { id: string } }>('/_lab/faults/:id', async (request, reply) => {
    const { id } = request.params
    if (book.withdraw(id).length === 0) {
      const known = book.list().map((fault) => fault.id)
      const there = known.length === 0 ? 'none is ordered' : `there are: ${known.join(', ')}`
      return reply.code(404).send({ error: `There is no fault "${id}"; ${there}.` })
    }
    await changed()
    return listed()
  })
}

/** A kind that clouds have in common is listed once; `operations` of a kind: those of every cloud that it can strike. */
function kindsOf(offers: readonly FaultOffer[]): object {
  const names = [...new Set(offers.flatMap(({ kinds }) => Object.keys(kinds)))]
  const kinds = names.map((kind) => {
    const having = offers.flatMap((offer) => (offer.kinds[kind] ? [{ cloud: offer.cloud, kind: offer.kinds[kind] }] : []))
    const [first] = having
    if (!first) throw new Error(`No cloud has the kind ${kind}.`)
    const { strikes, times, takesDelay, lasts = false } = first.kind
    const [summary, ...others] = [...new Set(having.map((one) => one.kind.summary))]
    const operations = having.flatMap((one) => one.kind.operations ?? [])
    return {
      kind,
      summary: others.length === 0 ? summary : having.map((one) => `${one.cloud}: ${one.kind.summary}`).join('; '),
      strikes,
      operations: first.kind.operations === null ? null : operations,
      times,
      takesDelay,
      lasts,
      settings: Object.entries(first.kind.settings).map(([name, { otherwise = null }]) => ({
        name,
        wanted: wantedOf(having.map((one) => ({ cloud: one.cloud, wanted: one.kind.settings[name]?.wanted ?? '' }))),
        otherwise,
      })),
    }
  })
  return { version: 1, kinds, operations: offers.flatMap(({ operations }) => operations) }
}

function wantedOf(said: readonly { cloud: string; wanted: string }[]): string {
  const [first, ...others] = [...new Set(said.map(({ wanted }) => wanted))]
  if (others.length === 0) return first ?? ''
  return said.map(({ cloud, wanted }) => `in ${cloud} ${wanted}`).join('; ')
}
