/** `/_lab/faults`: what is ordered, what could be, ordering and taking back. A wrong order is answered with 422, the field and one
 *  sentence. */
import type { FastifyInstance } from 'fastify'
import type { FaultBook } from './book'
import type { Fault } from './fault'
import { FaultRefusal } from './order'

/** `changed` resolves when what was ordered or taken back holds. */
export function serveFaults(api: FastifyInstance, book: FaultBook, changed: (ordered?: Fault) => Promise<void>): void {
  const listed = (): object => ({ version: 1, faults: book.list() })

  api.get('/_lab/faults', async () => listed())

  api.get('/_lab/faults/kinds', async () => ({
    version: 1,
    kinds: Object.entries(book.offer.kinds).map(
      ([kind, { summary, strikes, operations, times, takesDelay, lasts = false, settings }]) => ({
        kind,
        summary,
        strikes,
        operations,
        times,
        takesDelay,
        lasts,
        settings: Object.entries(settings).map(([name, { wanted, otherwise = null }]) => ({ name, wanted, otherwise })),
      }),
    ),
    operations: book.offer.operations,
  }))

  api.post('/_lab/faults', async (request, reply) => {
    try {
      const fault = book.order(request.body)
      await changed(fault)
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
