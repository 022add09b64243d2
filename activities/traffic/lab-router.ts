/** An endpoint that is a name of the lab's router. */
import { limitedTo } from '../../clouds/limit'
import type { HostPort } from '../../contracts/endpoint'
import { failure } from '../../contracts/failures'
import type { EndpointAccess } from '../deps'
import { type EndpointPort, shownPlace } from './port'

const PATIENCE_MS = 10_000

export function labRouterEndpoint(name: string, { labRouter }: EndpointAccess, signal: AbortSignal): EndpointPort {
  const ask = async (method: string, body?: object): Promise<HostPort> => {
    if (labRouter === null) {
      const message = `The endpoint ${name} is one of a lab, and this worker knows none: set its CAPSTAN_LAB_ENDPOINT and CAPSTAN_LAB_TOKEN.`
      throw failure('ENDPOINT_REFUSED', message, { name })
    }
    const { api, token } = labRouter
    const answer = await fetch(`${api}/_lab/router/${encodeURIComponent(name)}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: limitedTo(PATIENCE_MS, signal),
    }).catch((cause: unknown) => {
      signal.throwIfAborted()
      throw failure('ENDPOINT_UNREACHABLE', `The lab's router does not answer at ${api}.`, { api }, { cause })
    })
    const said = (await answer.json().catch(() => ({}))) as { readonly to?: HostPort; readonly error?: string }
    if (answer.ok && said.to !== undefined) return said.to
    const message = `The lab's router refused ${name}: ${said.error ?? `status ${answer.status}`}`
    if (answer.status === 409) throw failure('ENDPOINT_DRIFTED', message, { name })
    throw failure(answer.status >= 500 ? 'ENDPOINT_UNREACHABLE' : 'ENDPOINT_REFUSED', message, { name, status: answer.status })
  }
  return {
    whereTo: () => ask('GET'),
    async move({ from, to }) {
      const at = await ask('POST', { from, to })
      if (shownPlace(at) !== shownPlace(to))
        throw new Error(`the router says ${shownPlace(at)} after a move to ${shownPlace(to)}`)
    },
  }
}
