/** The lab's own API for identities: made with a policy, listed, removed. Their credentials are told once, in the answer to whoever made them. */
import type { FastifyInstance } from 'fastify'
import type { Identities, Identity } from './identities'
import { PolicyRefused } from './refusal'

export function serveIdentities(api: FastifyInstance, identities: Identities): void {
  api.get('/_lab/identities', async () => ({ version: 1, identities: identities.list() }))

  api.put<{ Params: { name: string } }>('/_lab/identities/:name', async (request, reply) => {
    try {
      return told(await identities.put(request.params.name, request.body))
    } catch (error) {
      if (error instanceof PolicyRefused) return reply.code(422).send({ error: error.message })
      throw error
    }
  })

  api.delete<{ Params: { name: string } }>('/_lab/identities/:name', async (request, reply) => {
    const { name } = request.params
    if (await identities.remove(name)) return { removed: name }
    return reply.code(404).send({ error: `There is no identity ${name.slice(0, 80)}.` })
  })
}

function told(identity: Identity): object {
  const { name, cloud } = identity
  if (cloud === 'aws') return { version: 1, name, cloud, credentials: identity.accessKey }
  if (cloud === 'azure') return { version: 1, name, cloud, credentials: { token: identity.token } }
  return { version: 1, name, cloud, credentials: { accessToken: identity.accessToken } }
}
