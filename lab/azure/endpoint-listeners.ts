/** Who is behind the addresses of virtual endpoints. */
import type { CloudGround } from '../cloud'
import { Endpoints } from '../endpoints'
import { type AzureState, own } from './state'

type ListenerGround = Pick<CloudGround, 'addresses' | 'dataPort' | 'log'> & { readonly state: AzureState }

export function endpointListeners(cloud: () => ListenerGround): Endpoints {
  const addressOf = (key: string): string | undefined => {
    const { state, addresses } = cloud()
    const server = own(state.servers, key)
    return server && addresses.textOf(server.host)
  }
  return new Endpoints({
    wanted() {
      const { state, addresses } = cloud()
      return new Map(
        Object.values(state.endpoints).flatMap(({ writerHost, readerHost, owner, reader }) => [
          [addresses.textOf(writerHost), () => addressOf(owner)],
          [addresses.textOf(readerHost), () => addressOf(reader ?? owner)],
        ]),
      )
    },
    get port() {
      return cloud().dataPort
    },
    log: (line) => cloud().log(line),
  })
}
