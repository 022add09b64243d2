/** `/_lab/router`: the names of the lab's router. GET says where one leads, PUT makes one, POST moves it from one instance to another. A wrong
 *  order is answered with 422, the field and one sentence; a name that leads elsewhere is left there, with 409. */
import { isIPv4 } from 'node:net'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Place, Route, Router } from './router'

export interface RouterApi {
  readonly router: Router
  /** Where the lab's instances are: nothing is handed on to elsewhere. */
  readonly block: string
}

const NAME = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/

export function serveRouter(api: FastifyInstance, { router, block }: RouterApi): void {
  const shown = (name: string, { port, to }: Route): object => ({ version: 1, name, host: `${block}.1`, port, to })
  const unknown = (reply: FastifyReply, name: string) => {
    const there = router.list().map((one) => one.name)
    const known = there.length === 0 ? 'none was made; PUT makes one' : `there are: ${there.join(', ')}`
    return reply.code(404).send({ error: `The router has no name ${JSON.stringify(name)}; ${known}.` })
  }
  const wrong = (reply: FastifyReply, field: string) => {
    const error = `${field} must be the place of an instance of this lab, such as {"host": "${block}.10", "port": 5432}.`
    return reply.code(422).send({ error, field })
  }

  api.get('/_lab/router', async () => ({ version: 1, names: router.list() }))

  api.get<{ Params: { name: string } }>('/_lab/router/:name', async ({ params: { name } }, reply) => {
    const route = router.find(name)
    return route ? shown(name, route) : unknown(reply, name)
  })

  api.put<{ Params: { name: string } }>('/_lab/router/:name', async ({ params: { name }, body }, reply) => {
    if (!NAME.test(name)) {
      const error = `"${name}" is no name of the router: lower-case letters, digits and hyphens, beginning with a letter, 63 at most.`
      return reply.code(422).send({ error, field: 'name' })
    }
    const to = placeIn(body, 'to', block)
    if (to === null) return wrong(reply, 'to')
    return shown(name, await router.make(name, to))
  })

  api.post<{ Params: { name: string } }>('/_lab/router/:name', async ({ params: { name }, body }, reply) => {
    const from = placeIn(body, 'from', block)
    if (from === null) return wrong(reply, 'from')
    const to = placeIn(body, 'to', block)
    if (to === null) return wrong(reply, 'to')
    const moved = await router.move(name, from, to)
    if (moved === undefined) return unknown(reply, name)
    if (moved.moved) return shown(name, moved.route)
    const { host, port } = moved.route.to
    return reply
      .code(409)
      .send({ error: `${name} leads to ${host}:${port}, not to ${from.host}:${from.port}.`, to: moved.route.to })
  })
}

function placeIn(body: unknown, field: 'from' | 'to', block: string): Place | null {
  const { host, port } = ((body ?? {}) as Record<string, { host?: unknown; port?: unknown } | undefined>)[field] ?? {}
  if (typeof host !== 'string' || !isIPv4(host) || !host.startsWith(`${block}.`)) return null
  return typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535 ? { host, port } : null
}
